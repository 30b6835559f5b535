#include "email/payload_fields.hpp"

#include <limits>

#include "core/json_document.hpp"
#include "kinbox/email/letter.hpp"

namespace kinbox::email {
namespace {

using Type = MustacheData::type;

constexpr int kMaxDepth = 64;

JsonDocument read(std::string_view json) {
  auto read = read_json(
      json, {.max_depth = kMaxDepth, .elements = std::numeric_limits<std::size_t>::max()});
  if (const auto* document = std::get_if<JsonDocument>(&read)) return *document;
  throw LetterError("e-mail: the payload is no JSON that can be read: broken, nested deeper than " +
                        std::to_string(kMaxDepth) + " levels, or an object with a key twice",
                    "payload_unusable");
}

MustacheData data_of(const JsonValue& value);

MustacheData object_of(std::string_view token) {
  MustacheData object(Type::object);
  for (const auto& child : read(token).children)
    // A key's quotes stand next to it.
    object[json_string({child.key.data() - 1, child.key.size() + 2})] = data_of(child.value);
  return object;
}

MustacheData array_of(std::string_view token) {
  MustacheData array(Type::list);
  for (const auto& child : read(token).children) array.push_back(data_of(child.value));
  return array;
}

MustacheData data_of(const JsonValue& value) {
  switch (value.kind) {
    case JsonKind::kObject:
      return object_of(value.token);
    case JsonKind::kArray:
      return array_of(value.token);
    case JsonKind::kBoolean:
      return {value.token == "true"};
    case JsonKind::kNull:
      return {Type::invalid};
    case JsonKind::kString:
    case JsonKind::kNumber:
      break;
  }
  return {json_scalar(value).value_or("")};
}

std::string_view describe(const MustacheData& data) {
  return data.is_list() ? "an array" : data.is_object() ? "an object" : "a boolean";
}

}  // namespace

MustacheData payload_fields(std::string_view json) {
  const auto document = read(json);
  if (document.root.kind != JsonKind::kObject)
    throw LetterError("e-mail: the payload is " + std::string(describe_json(document.root.kind)) +
                          ", not an object",
                      "payload_unusable");
  return object_of(document.root.token);
}

StrictFields::StrictFields(const std::string& file, const TemplateSource& source,
                           const MustacheData& payload)
    : file_(file), source_(source), inside_{&payload} {}

const MustacheData* StrictFields::get(const std::string& name) const {
  static const MustacheData kFalse(false);
  static const MustacheData kTrue(true);
  if (name == kLineMark) return &kTrue;
  const auto* found = find(name);
  if (found == nullptr)
    refuse("the payload has no field \"" + name + "\"", "template_field_missing");
  // A name is never both (read_template).
  if (source_.sections.contains(name)) return found->is_invalid() ? &kFalse : found;
  if (found->is_invalid())
    refuse("the payload has null in \"" + name + "\"", "template_field_missing");
  if (!found->is_string())
    refuse("\"" + name + "\" is " + std::string(describe(*found)) + ", not a string or a number",
           "template_field_kind");
  return found;
}

const MustacheData* StrictFields::find(std::string_view name) const {
  if (name == ".") return inside_.back();
  auto dot = name.find('.');
  const auto* found = find_first(std::string(name.substr(0, dot)));
  while (found != nullptr && dot != name.npos) {
    name.remove_prefix(dot + 1);
    dot = name.find('.');
    found = found->get(std::string(name.substr(0, dot)));
  }
  return found;
}

const MustacheData* StrictFields::find_first(const std::string& name) const {
  for (auto element = inside_.rbegin(); element != inside_.rend(); ++element)
    if (const auto* found = (*element)->get(name)) return found;
  return nullptr;
}

void StrictFields::refuse(const std::string& what, const char* code) const {
  throw LetterError("e-mail template " + file_ + ": " + what, code);
}

}  // namespace kinbox::email
