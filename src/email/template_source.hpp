#pragma once

#include <set>
#include <string>
#include <string_view>

namespace kinbox::email {

/// A section that is always there and empty: see TemplateSource::text.
inline constexpr std::string_view kLineMark = "kinbox:line";

/// A template that was read, and what it asks its payload for.
struct TemplateSource {
  /// Behind a closing tag or a comment that has a line of its own stands an empty section of the
  /// name kLineMark. The library drops a blank line if a section was rendered on it, and would keep
  /// the line of one that was not.
  std::string text;
  std::set<std::string> variables;
  std::set<std::string> sections;
};

/// Reads a Mustache template. Throws ConfigurationError that names `file` and line for one that is
/// none, and for what templates of e-mails have no use for: partials, other delimiters, and one
/// name for a value and a section (a value that is not there could then not be told from one that
/// is empty).
TemplateSource read_template(const std::string& file, const std::string& text);

}  // namespace kinbox::email
