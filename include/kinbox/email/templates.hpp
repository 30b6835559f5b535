#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kinbox::email {

/// What the templates of one e-mail type make of a payload.
struct Content {
  std::string subject;
  std::string text;
  std::optional<std::string> html = {};
};

/// A template as a file has it. `name` is TYPE.subject.txt, TYPE.text.txt or TYPE.html.
struct TemplateFile {
  std::string name;
  std::string text;
};

/// Templates of e-mails, Mustache, three files for each e-mail type: `TYPE.subject.txt`,
/// `TYPE.text.txt` and, where the mail has an HTML part, `TYPE.html`.
///
/// A tag names a field of the payload: `{{orderId}}`, `{{buyer.email}}`; inside a section, first of
/// the element. `{{#items}}...{{/items}}` is repeated for each element of an array, goes into an
/// object, and depends on a boolean; `{{^items}}...{{/items}}` is for an empty array and `false`.
/// `{{.}}` is the element itself. What a tag gives is escaped in the HTML part, and there only;
/// `{{{name}}}` and `{{&name}}` never are. Numbers stay as the producer wrote them (`129.90`).
///
/// Immutable: one instance may serve any number of threads.
class Templates {
 public:
  /// Reads the files of `folder`. Throws ConfigurationError that names the folder, or the file and
  /// the line, for what cannot be read or is no template, and for a type that lacks its subject or
  /// its text. Files that are called otherwise are left alone.
  explicit Templates(const std::filesystem::path& folder);
  /// The same of files that are in the program.
  explicit Templates(const std::vector<TemplateFile>& files);
  Templates(Templates&&) noexcept;
  Templates& operator=(Templates&&) noexcept;
  ~Templates();

  bool has(std::string_view type) const;

  /// Throws LetterError:
  /// - `unknown_template`: no files for `type`;
  /// - `payload_unusable`: `json` is no JSON object;
  /// - `template_field_missing`: the payload lacks a field that a template names (the text names
  ///   file and field), or has null there: a mail with a gap is worse than none;
  /// - `template_field_kind`: a field is an object or an array where a value is to stand, or a
  ///   string or a number where a section begins.
  Content render(std::string_view type, std::string_view json) const;

 private:
  class Impl;
  std::unique_ptr<const Impl> impl_;
};

}  // namespace kinbox::email
