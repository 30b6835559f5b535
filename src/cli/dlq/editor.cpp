#include "cli/dlq/editor.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include "cli/usage_error.hpp"

namespace kinbox::cli {
namespace {

std::string variable(const Environment& environment, const char* name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

std::string editor(const Environment& environment) {
  for (const auto* name : {"VISUAL", "EDITOR"})
    if (auto command = variable(environment, name); !command.empty()) return command;
  throw UsageError("no editor: set VISUAL or EDITOR");
}

/// A folder for one file and what an editor puts beside it (a swap file holds the payload too).
class PrivateFolder {
 public:
  explicit PrivateFolder(const Environment& environment) {
    auto root = variable(environment, "TMPDIR");
    if (root.empty()) root = "/tmp";
    auto path = (std::filesystem::path(root) / "kinbox-XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr)
      throw std::system_error(errno, std::generic_category(), path);
    path_ = path;
  }
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;
  ~PrivateFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

void write_private(const std::filesystem::path& file, const std::string& content) {
  const auto fail = [&] { throw std::system_error(errno, std::generic_category(), file.string()); };
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0) fail();
  ::close(descriptor);
  std::ofstream out(file, std::ios::binary);
  if (!out.write(content.data(), static_cast<std::streamsize>(content.size())).flush()) fail();
}

std::string read(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw Error("the editor removed " + file.string() + "; nothing was changed");
  std::ostringstream content;
  content << in.rdbuf();
  return std::move(content).str();
}

/// As one word of a shell's line.
std::string quoted(const std::string& word) {
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

void run(const std::string& command, const std::filesystem::path& file) {
  const int status = std::system((command + ' ' + quoted(file.string())).c_str());
  if (status == 0) return;
  const auto how = status == -1 ? std::string("could not be started")
                   : WIFEXITED(status)
                       ? "ended with exit code " + std::to_string(WEXITSTATUS(status))
                       : "was ended by signal " + std::to_string(WTERMSIG(status));
  throw Error("the editor (" + command + ") " + how + "; nothing was changed");
}

}  // namespace

std::string edited_by_hand(const Environment& environment, const std::string& name,
                           const std::string& content) {
  const auto command = editor(environment);
  const PrivateFolder folder(environment);
  const auto file = folder / name;
  write_private(file, content);
  run(command, file);
  auto edited = read(file);
  if (!content.ends_with('\n') && edited.ends_with('\n')) edited.pop_back();
  return edited;
}

}  // namespace kinbox::cli
