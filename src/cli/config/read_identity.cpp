#include "cli/config/sections.hpp"
#include "cli/config/values.hpp"

namespace kinbox::cli {
namespace {

using Kind = IdFrom::Kind;

void require_pointer(const ConfigNode& node, const std::string& pointer) {
  if (!pointer.starts_with('/'))
    node.problem("should be a JSON pointer like /eventId, not \"" + pointer + "\"");
}

std::string read_pointer(const ConfigNode& node) {
  auto pointer = node.text();
  if (!pointer.empty()) require_pointer(node, pointer);
  return pointer;
}

/// One of several things that stand as `{header: name}` or as a plain word.
IdFrom read_id_map(const ConfigNode& node) {
  ConfigMap map(node);
  IdFrom from;
  if (const auto header = map.take("header")) {
    from = {Kind::kHeader, header->text(), {}};
  } else if (const auto pointer = map.take("pointer")) {
    from = {Kind::kJsonPointer, read_pointer(*pointer), {}};
  } else if (const auto composed = map.take("composed")) {
    from = {Kind::kComposed, {}, {}};
    for (const auto& item : composed->items()) from.pointers.push_back(read_pointer(item));
    if (from.pointers.empty())
      composed->problem("should list JSON pointers, like [/orderId, /line]");
  } else if (map.node().is_map()) {
    node.problem("should be {header: NAME}, {pointer: /JSON/POINTER} or {composed: [...]}");
    return from;
  }
  map.refuse_the_rest();
  return from;
}

IdFrom read_id(const ConfigNode& node) {
  if (node.is_map()) return read_id_map(node);
  static const Words<Kind> kWords{{"cloudevents_binary", Kind::kCloudEventsBinary},
                                  {"cloudevents_structured", Kind::kCloudEventsStructured},
                                  {"coordinates", Kind::kCoordinates}};
  IdFrom from;
  read_word(node, from.kind, kWords);
  return from;
}

TypeFrom read_type(const ConfigNode& node) {
  TypeFrom from;
  if (!node.is_map()) {
    read_word(node, from.kind, Words<TypeFrom::Kind>{{"topic", TypeFrom::Kind::kTopic}});
    return from;
  }
  ConfigMap map(node);
  if (const auto header = map.take("header"))
    from = {TypeFrom::Kind::kHeader, header->text()};
  else if (const auto pointer = map.take("pointer"))
    from = {TypeFrom::Kind::kJsonPointer, read_pointer(*pointer)};
  else
    node.problem("should be {header: NAME}, {pointer: /JSON/POINTER} or topic");
  map.refuse_the_rest();
  return from;
}

/// A list, or one thing that stands for a list of one.
template <typename Read>
auto read_list(const ConfigNode& node, Read read) {
  std::vector<decltype(read(node))> values;
  if (!node.is_list()) {
    values.push_back(read(node));
    return values;
  }
  for (const auto& item : node.items()) values.push_back(read(item));
  if (values.empty()) node.problem("is an empty list");
  return values;
}

}  // namespace

IdentityRules read_identity(const ConfigNode& node) {
  IdentityRules rules;
  ConfigMap map(node);
  if (const auto id = map.take("id")) rules.id = read_list(*id, read_id);
  if (const auto scope = map.take("id_scope")) read_word(*scope, rules.scope, words::id_scope());
  if (const auto type = map.take("type")) rules.type = read_list(*type, read_type);
  if (const auto max_value = map.take("max_value")) {
    ByteSize size{rules.max_value_bytes};
    read_value(*max_value, size);
    rules.max_value_bytes = size.bytes;
  }
  map.read("max_json_depth", rules.max_json_depth);
  map.refuse_the_rest();
  return rules;
}

}  // namespace kinbox::cli
