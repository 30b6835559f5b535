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
/// object, and is there once for `true`, a string or a number; `{{^items}}...{{/items}}` is for an
/// empty array, `false` and null. `{{.}}` is the element itself. What a tag gives is escaped in the
/// HTML part, and there only; `{{{name}}}` and `{{&name}}` never are. Numbers stay as the producer
/// wrote them (`129.90`). One name is a value or a section, not both in one file; partials and
/// other delimiters are refused.
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
  /// - `template_field_missing`: the payload lacks a field that a template names, as a value or as
  /// a
  ///   section, or has null where a value is to stand: a mail with a gap is worse than none;
  /// - `template_field_kind`: an object, an array or a boolean where a value is to stand.
  /// The texts name file and field, never what the payload holds.
  Content render(std::string_view type, std::string_view json) const;

 private:
  class Impl;
  std::unique_ptr<const Impl> impl_;
};

}  // namespace kinbox::email
