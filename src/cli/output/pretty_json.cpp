#include "cli/output/pretty_json.hpp"

#include <variant>

#include "core/json_document.hpp"

namespace kinbox::cli {
namespace {

bool is_json(std::string_view text) {
  const auto read = read_json(text, {.max_depth = kMaxJsonDepth});
  const auto* fault = std::get_if<JsonFault>(&read);
  return fault == nullptr || *fault == JsonFault::kDuplicateKey;
}

/// Lays out a text that is JSON: where it is no string, each character tells what it is.
class Layout {
 public:
  std::string of(std::string_view json) {
    while (!json.empty()) json.remove_prefix(step(json));
    return std::move(text_);
  }

 private:
  std::size_t step(std::string_view json) {
    switch (json.front()) {
      case ' ':
      case '\t':
      case '\n':
      case '\r':
        return 1;
      case '"':
        return string(json);
      case '{':
      case '[':
        begin();
        text_ += json.front();
        ++depth_;
        empty_ = true;
        return 1;
      case '}':
      case ']':
        --depth_;
        if (!empty_) new_line();
        empty_ = false;
        text_ += json.front();
        return 1;
      case ',':
        text_ += ',';
        new_line();
        return 1;
      case ':':
        text_ += ": ";
        return 1;
      default:
        begin();
        text_ += json.front();
        return 1;
    }
  }

  std::size_t string(std::string_view json) {
    begin();
    std::size_t end = 1;
    while (json[end] != '"') end += json[end] == '\\' ? 2 : 1;
    text_ += json.substr(0, end + 1);
    return end + 1;
  }

  /// The first thing in a container begins its first line.
  void begin() {
    if (empty_ && depth_ > 0) new_line();
    empty_ = false;
  }

  void new_line() {
    text_ += '\n';
    text_.append(2 * depth_, ' ');
  }

  std::string text_;
  std::size_t depth_ = 0;
  bool empty_ = false;
};

}  // namespace

std::optional<std::string> pretty_json(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (!is_json(text)) return std::nullopt;
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  return Layout().of(text);
}

}  // namespace kinbox::cli
