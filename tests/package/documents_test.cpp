// What the documents show is what the repository holds.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "cli/config/load.hpp"
#include "cli/config/show.hpp"
#include "handlers/handlers.hpp"
#include "package/code_block.hpp"
#include "support/child_process.hpp"
#include "support/in_process_cli.hpp"
#include "support/temporary_directory.hpp"

namespace kinbox::testing {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

std::vector<CodeBlock> all_blocks() {
  std::vector<CodeBlock> blocks;
  for (const auto& file : documents())
    for (auto& block : code_blocks(file)) blocks.push_back(std::move(block));
  return blocks;
}

std::vector<CodeBlock> blocks_in(const std::string& language) {
  auto blocks = all_blocks();
  std::erase_if(blocks, [&](const auto& block) { return block.language != language; });
  return blocks;
}

TEST(Documents, ShowCodeThatStandsInAFileOfTheRepository) {
  constexpr std::string_view kFrom = "from: ";
  int excerpts = 0;
  for (const auto& block : all_blocks()) {
    const bool is_code = block.language == "cpp" || block.language == "cmake";
    const bool names_file = block.mark.starts_with(kFrom);
    EXPECT_TRUE(names_file || !is_code) << block.place << ": say which file the code is from";
    if (!names_file) continue;
    ++excerpts;
    EXPECT_THAT(read_repository_file(block.mark.substr(kFrom.size())), HasSubstr(block.text))
        << block.place;
  }
  EXPECT_GT(excerpts, 3);
}

TEST(Documents, BeginWithTheWholeMinimalExample) {
  const auto blocks = code_blocks("README.md");
  ASSERT_FALSE(blocks.empty());
  EXPECT_EQ(blocks[0].text, read_repository_file("examples/01_minimal/main.cpp"));
}

TEST(Documents, LinkToFilesThatExist) {
  const std::regex link(R"(\]\(([^)#:\s]+)(#[^)]*)?\))");
  int links = 0;
  for (const auto& file : documents()) {
    const auto text = read_repository_file(file);
    for (std::sregex_iterator found(text.begin(), text.end(), link), end; found != end; ++found) {
      const auto target = std::filesystem::path(KINBOX_SOURCE_DIR) / file.parent_path();
      EXPECT_TRUE(std::filesystem::exists(target / found->str(1)))
          << file << " links to " << found->str(1);
      ++links;
    }
  }
  EXPECT_GT(links, 5);
}

/// "OncePromise" for every TEST of tests/FOLDER.
std::set<std::string> suites_of(const std::string& folder) {
  const std::regex test(R"((^|\n)TEST(_P|_F)?\((\w+))");
  std::set<std::string> suites;
  const auto tests = std::filesystem::path("tests") / folder;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(KINBOX_SOURCE_DIR) / tests)) {
    if (entry.path().extension() != ".cpp") continue;
    const auto text = read_repository_file(tests / entry.path().filename());
    for (std::sregex_iterator found(text.begin(), text.end(), test), end; found != end; ++found)
      suites.insert(found->str(3));
  }
  return suites;
}

TEST(Documents, NameTestSuitesThatExist) {
  const auto page = read_repository_file("docs/testing.md");
  const std::regex name(R"(`(unit|contract|integration|guarantees|simulation)\.([\w*]+)`)");
  int names = 0;
  for (std::sregex_iterator found(page.begin(), page.end(), name), end; found != end; ++found) {
    const std::regex glob(std::regex_replace(found->str(2), std::regex(R"(\*)"), ".*"));
    const auto suites = suites_of(found->str(1));
    EXPECT_TRUE(std::any_of(suites.begin(), suites.end(), [&](const auto& suite) {
      return std::regex_match(suite, glob);
    })) << found->str(0);
    ++names;
  }
  EXPECT_GT(names, 10);
}

TEST(Documents, ExplainEveryReasonOfADeadLetter) {
  const auto page = read_repository_file("docs/operating.md");
  const auto header = read_repository_file("include/kinbox/reason.hpp");
  const std::regex reason("= \"([a-z_]+)\";");
  int reasons = 0;
  for (std::sregex_iterator found(header.begin(), header.end(), reason), end; found != end;
       ++found) {
    EXPECT_THAT(page, HasSubstr('`' + found->str(1) + '`'));
    ++reasons;
  }
  EXPECT_GT(reasons, 5);
}

/// The command lines of a shell block, as arguments, without what follows a pipe or a comment.
std::vector<std::vector<std::string>> kinbox_commands(const CodeBlock& block) {
  std::vector<std::vector<std::string>> commands;
  std::istringstream lines(block.text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line.substr(0, line.find_first_of("|#")));
    std::vector<std::string> arguments;
    for (std::string word; words >> word;) arguments.push_back(word);
    if (arguments.empty() || arguments[0] != "kinbox") continue;
    arguments.erase(arguments.begin());
    commands.push_back(std::move(arguments));
  }
  return commands;
}

TEST(Documents, ShowCommandLinesThatTheProgramTakes) {
  int commands = 0;
  for (const auto& block : blocks_in("sh"))
    for (const auto& arguments : kinbox_commands(block)) {
      // Wrong usage is 64; a good line goes on to read the configuration, which is not there.
      const auto result = run_cli(arguments, {}, {{"KINBOX_CONFIG", "/nowhere/kinbox.yaml"}});
      EXPECT_THAT(result.exit_code, AnyOf(0, 78)) << block.place << ": " << result.err;
      ++commands;
    }
  EXPECT_GT(commands, 5);
}

void write(const std::filesystem::path& file, const std::string& text) {
  std::ofstream(file) << text;
}

/// A configuration whose files exist: those of /etc/kinbox are in `folder` here.
std::string with_files_in(const std::filesystem::path& folder, std::string text) {
  constexpr std::string_view kThere = "/etc/kinbox";
  for (auto at = text.find(kThere); at != text.npos; at = text.find(kThere))
    text.replace(at, kThere.size(), folder.string());
  return text;
}

TEST(Documents, ShowConfigurationsThatAreGood) {
  const TemporaryDirectory folder;
  write(folder / "db-password", "secret");
  write(folder / "kafka-password", "secret");
  ChildProcess certificates(
      {KINBOX_SOURCE_DIR "/scripts/lib/kafka/certificates", (folder / ".").string()});
  ASSERT_EQ(certificates.wait_for(std::chrono::seconds{20}), (ExitStatus{.code = 0, .signal = {}}))
      << certificates.output(ChildProcess::Stream::kErr);
  int configurations = 0;
  for (const auto& block : blocks_in("yaml")) {
    if (block.mark.starts_with("from: ")) continue;
    write(folder / "kinbox.yaml", with_files_in(folder / ".", block.text));
    const auto result =
        run_cli({"config", "check", "-c", folder / "kinbox.yaml"}, shipped_handlers());
    EXPECT_EQ(result.exit_code, 0) << block.place << ": " << result.err;
    ++configurations;
  }
  EXPECT_GT(configurations, 1);
}

/// "max_attempts" of "consumers[0].on_error.retry.max_attempts".
std::string last_name(const std::string& path) {
  const auto name = path.substr(path.rfind('.') + 1);
  return name.substr(0, name.find('['));
}

TEST(Documents, NameEverySettingOfTheConfiguration) {
  const auto page = read_repository_file("docs/configuration.md");
  for (const auto* name : {"every setting, SQLite", "every setting, PostgreSQL"}) {
    const auto config =
        cli::parse_config(named_block("docs/configuration.md", name), "kinbox.yaml", {});
    for (const auto& row : cli::show_config(config).rows) {
      const auto path = std::get<std::string>(row[0]);
      if (path.starts_with("kafka.") || path.find(".settings.") != std::string::npos) continue;
      EXPECT_THAT(page, HasSubstr('`' + last_name(path) + '`')) << path << " is not described";
      EXPECT_NE(std::get<std::string>(row[2]), "default") << path << " is not in the example";
    }
  }
}

}  // namespace
}  // namespace kinbox::testing
