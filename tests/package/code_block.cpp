#include "package/code_block.hpp"

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace kinbox::testing {
namespace {

const std::filesystem::path kRepository = KINBOX_SOURCE_DIR;

/// "from: x" of "<!-- from: x -->"; empty for other lines.
std::string mark_of(const std::string& line) {
  constexpr std::string_view kOpen = "<!-- ";
  constexpr std::string_view kClose = " -->";
  if (!line.starts_with(kOpen) || !line.ends_with(kClose)) return {};
  return line.substr(kOpen.size(), line.size() - kOpen.size() - kClose.size());
}

}  // namespace

std::vector<std::filesystem::path> documents() {
  std::vector<std::filesystem::path> files{"README.md", "CHANGELOG.md", "CONTRIBUTING.md"};
  for (const auto& entry : std::filesystem::directory_iterator(kRepository / "docs"))
    if (entry.path().extension() == ".md") files.push_back("docs" / entry.path().filename());
  return files;
}

std::string read_repository_file(const std::filesystem::path& file) {
  std::ifstream in(kRepository / file, std::ios::binary);
  std::ostringstream text;
  if (!in || !(text << in.rdbuf())) throw std::runtime_error("cannot read " + file.string());
  return text.str();
}

std::vector<CodeBlock> code_blocks(const std::filesystem::path& file) {
  std::istringstream lines(read_repository_file(file));
  std::vector<CodeBlock> blocks;
  std::string mark;
  bool inside = false;
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    const bool fence = line.starts_with("```");
    if (fence && !inside)
      blocks.push_back({file.string() + ':' + std::to_string(number), line.substr(3), mark, {}});
    else if (inside && !fence)
      blocks.back().text += line + '\n';
    inside = fence != inside;
    mark = inside ? std::string() : mark_of(line);
  }
  return blocks;
}

std::string named_block(const std::filesystem::path& file, const std::string& name) {
  for (const auto& block : code_blocks(file))
    if (block.mark == "name: " + name) return block.text;
  throw std::runtime_error(file.string() + " has no block named \"" + name + '"');
}

}  // namespace kinbox::testing
