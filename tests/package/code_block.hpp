#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace kinbox::testing {

/// A fenced block of a Markdown file. The comment before it says what it is to tests:
/// `<!-- from: PATH -->` lines that stand so in a file of this repository, `<!-- name: TEXT -->` a
/// block that a test asks for.
struct CodeBlock {
  /// "docs/operating.md:12", for messages.
  std::string place;
  std::string language;
  std::string mark;
  std::string text;
};

/// README.md and its like, and all of docs/, relative to the repository.
std::vector<std::filesystem::path> documents();

/// `file` is relative to the repository.
std::string read_repository_file(const std::filesystem::path& file);

std::vector<CodeBlock> code_blocks(const std::filesystem::path& file);

/// The text of the block that `file` calls `name`. Throws std::runtime_error if there is none.
std::string named_block(const std::filesystem::path& file, const std::string& name);

}  // namespace kinbox::testing
