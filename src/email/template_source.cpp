#include "email/template_source.hpp"

#include <algorithm>
#include <charconv>
#include <kainjow/mustache.hpp>
#include <map>

#include "core/utf8.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::email {
namespace {

constexpr std::string_view kBlank = " \t";
constexpr std::string_view kSpace = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
  return text.substr(0, text.find_last_not_of(kSpace) + 1);
}

class TemplateReader {
 public:
  TemplateReader(const std::string& file, std::string_view text) : file_(file), text_(text) {}

  TemplateSource read() {
    for (auto start = text_.find("{{"); start != text_.npos; start = text_.find("{{", at_))
      tag(start);
    source_.text += text_.substr(copied_);
    for (const auto& [name, where] : first_section_)
      if (source_.variables.contains(name))
        refuse(where, "{{" + name + "}} is a section and a value; inside the section write {{.}}");
    return std::move(source_);
  }

  [[noreturn]] void refuse(std::size_t where, const std::string& what) const {
    const auto line = std::count(text_.begin(), text_.begin() + static_cast<long>(where), '\n') + 1;
    throw ConfigurationError("e-mail template " + file_ + ":" + std::to_string(line) + ": " + what);
  }

 private:
  void tag(std::size_t start) {
    const bool triple = text_.substr(start, 3) == "{{{";
    const auto inside = start + (triple ? 3 : 2);
    // Not npos: the library has read the template to its end.
    const auto end = text_.find(triple ? "}}}" : "}}", inside);
    at_ = end + (triple ? 3 : 2);
    const auto content = trimmed(text_.substr(inside, end - inside));
    switch (triple || content.empty() ? '{' : content.front()) {
      case '!':
      case '/':
        return mark_line(start);
      case '>':
        refuse(start, "partials ({{>name}}) are not available; write the text itself");
      case '=':
        refuse(start, "delimiters stay {{ and }}");
      case '#':
      case '^':
        return section(start, name_of(start, content.substr(1)));
      case '&':
        source_.variables.insert(name_of(start, content.substr(1)));
        return;
      default:
        source_.variables.insert(name_of(start, content));
    }
  }

  void section(std::size_t start, std::string name) {
    first_section_.emplace(name, start);
    source_.sections.insert(std::move(name));
  }

  /// `at_` is behind the tag.
  void mark_line(std::size_t start) {
    const auto before = text_.substr(0, start).find_last_not_of(kBlank);
    const auto after = text_.find_first_not_of(kBlank, at_);
    const bool alone = (before == text_.npos || text_[before] == '\n') &&
                       (after == text_.npos || text_[after] == '\n' || text_[after] == '\r');
    if (!alone) return;
    const std::string mark(kLineMark);
    source_.text += text_.substr(copied_, at_ - copied_);
    source_.text += "{{#" + mark + "}}{{/" + mark + "}}";
    copied_ = at_;
  }

  std::string name_of(std::size_t start, std::string_view content) const {
    const auto name = trimmed(content);
    if (name.empty()) refuse(start, "a tag without a name");
    return std::string(name);
  }

  const std::string& file_;
  const std::string_view text_;
  std::size_t at_ = 0;
  std::size_t copied_ = 0;
  TemplateSource source_;
  std::map<std::string, std::size_t> first_section_;
};

/// The library's words end with the place: `Unclosed tag at 17`.
void require_mustache(const std::string& text, const TemplateReader& reader) {
  const kainjow::mustache::mustache parsed(text);
  if (parsed.is_valid()) return;
  const std::string_view error(parsed.error_message());
  const auto at = error.rfind(" at ");
  std::size_t where = 0;
  if (at != error.npos) std::from_chars(&error[at + 4], error.data() + error.size(), where);
  reader.refuse(std::min(where, text.size()), std::string(error.substr(0, at)));
}

}  // namespace

TemplateSource read_template(const std::string& file, const std::string& text) {
  if (!is_utf8(text)) throw ConfigurationError("e-mail template " + file + ": is not UTF-8");
  TemplateReader reader(file, text);
  require_mustache(text, reader);
  return reader.read();
}

}  // namespace kinbox::email
