#include "cli/output/shell_words.hpp"

namespace kinbox::cli {
namespace {

std::string quoted(std::string_view word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:/@%+=,";
  if (!word.empty() && word.find_first_not_of(kPlain) == word.npos) return std::string(word);
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

}  // namespace

void ShellWords::word(std::string_view word) { text_ += (text_.empty() ? "" : " ") + quoted(word); }

}  // namespace kinbox::cli
