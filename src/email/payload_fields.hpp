#pragma once

#include <kainjow/mustache.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "email/template_source.hpp"

namespace kinbox::email {

using MustacheData = kainjow::mustache::data;

/// A JSON object as Mustache wants it: numbers as the text they were written as, null as `invalid`.
/// Throws LetterError (`payload_unusable`).
MustacheData payload_fields(std::string_view json);

/// Looks a template's names up in a payload, and takes no blank for an answer: where Mustache would
/// write nothing because a field is missing, null or no value, this throws LetterError that names
/// template and field.
class StrictFields final : public kainjow::mustache::basic_context<std::string> {
 public:
  /// All of them must outlive it.
  StrictFields(const std::string& file, const TemplateSource& source, const MustacheData& payload);

  void push(const MustacheData* data) override { inside_.push_back(data); }
  void pop() override { inside_.pop_back(); }
  const MustacheData* get(const std::string& name) const override;
  /// Templates with partials are refused before.
  const MustacheData* get_partial(const std::string&) const override { return nullptr; }

 private:
  const MustacheData* find(std::string_view name) const;
  const MustacheData* find_first(const std::string& name) const;
  [[noreturn]] void refuse(const std::string& what, const char* code) const;

  const std::string& file_;
  const TemplateSource& source_;
  /// The payload, then the sections' elements, the innermost last.
  std::vector<const MustacheData*> inside_;
};

}  // namespace kinbox::email
