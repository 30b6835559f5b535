#include "core/event_id.hpp"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "core/storable_text.hpp"
#include "core/utf8.hpp"
#include "kinbox/reason.hpp"

namespace kinbox {
namespace {

constexpr std::size_t kMaxIdBytes = 512;

/// What an id says about its origin by itself.
enum class Carries { kNothing, kSource, kCoordinates };

struct RawId {
  std::string text;
  Carries carries = Carries::kNothing;
};

using Extracted = std::variant<std::monostate, RawId, Poison>;

std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

std::string describe(const IdFrom& from) {
  switch (from.kind) {
    case IdFrom::Kind::kCloudEventsBinary:
      return "headers ce_source and ce_id";
    case IdFrom::Kind::kCloudEventsStructured:
      return "CloudEvents envelope";
    case IdFrom::Kind::kHeader:
      return "header " + quoted(from.what);
    case IdFrom::Kind::kJsonPointer:
      return quoted(from.what);
    case IdFrom::Kind::kComposed: {
      std::string all;
      for (const auto& pointer : from.pointers) all += (all.empty() ? "" : " + ") + quoted(pointer);
      return all;
    }
    case IdFrom::Kind::kCoordinates:
      break;
  }
  return "coordinates";
}

Poison invalid(std::string_view place, std::string_view what) {
  std::string detail("the event id (");
  detail.append(place).append(") ").append(what);
  return {reason::kInvalidEventId, std::move(detail)};
}

/// As in a JSON pointer, so that the '/' between the parts of a composed id is told from theirs.
void append_escaped(std::string& id, std::string_view part) {
  for (const char c : part) {
    if (c == '~')
      id += "~0";
    else if (c == '/')
      id += "~1";
    else
      id += c;
  }
}

bool is_all_digits(std::string_view id) {
  return std::all_of(id.begin(), id.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// Sources are URIs, and a URI holds no space: that is what makes "source id" unambiguous.
std::optional<Poison> refuse_source(std::string_view place, std::string_view source) {
  if (source.empty()) return invalid(place, "has an empty source");
  if (source.find(' ') != std::string_view::npos)
    return invalid(place, "has a source with a space in it, which no URI has");
  return std::nullopt;
}

class IdReader {
 public:
  IdReader(const Record& record, EventBody& body, const IdentityRules& rules)
      : record_(record), body_(body), rules_(rules) {}

  EventIdRead read();

 private:
  Extracted extract(const IdFrom& from);
  Extracted from_cloud_events_headers();
  Extracted from_cloud_events_envelope();
  Extracted from_header(const std::string& name);
  Extracted from_pointer(const std::string& pointer);
  Extracted from_composed(const IdFrom& from);
  Extracted from_coordinates();
  Extracted with_source(std::string_view place, std::optional<std::string_view> source,
                        std::string_view id);

  EventIdRead finish(const IdFrom& from, RawId id);
  EventIdRead scoped(const IdFrom& from, RawId id);
  EventIdRead scoped_by_source(const IdFrom& from, const RawId& id);
  std::optional<std::string> source() const;
  std::string topic_form(std::string_view id) const;
  Undecided ask_for_scope() const;
  Poison missing() const;

  const Record& record_;
  EventBody& body_;
  const IdentityRules& rules_;
};

EventIdRead IdReader::read() {
  for (const auto& from : rules_.id) {
    auto extracted = extract(from);
    if (auto* poison = std::get_if<Poison>(&extracted)) return std::move(*poison);
    if (auto* id = std::get_if<RawId>(&extracted)) return finish(from, std::move(*id));
  }
  return missing();
}

Extracted IdReader::extract(const IdFrom& from) {
  switch (from.kind) {
    case IdFrom::Kind::kCloudEventsBinary:
      return from_cloud_events_headers();
    case IdFrom::Kind::kCloudEventsStructured:
      return from_cloud_events_envelope();
    case IdFrom::Kind::kHeader:
      return from_header(from.what);
    case IdFrom::Kind::kJsonPointer:
      return from_pointer(from.what);
    case IdFrom::Kind::kComposed:
      return from_composed(from);
    case IdFrom::Kind::kCoordinates:
      break;
  }
  return from_coordinates();
}

Extracted IdReader::from_cloud_events_headers() {
  const auto id = record_.header("ce_id");
  if (!id) return {};
  const auto source = record_.header("ce_source");
  return with_source("header ce_id", source ? std::optional(as_text(*source)) : std::nullopt,
                     as_text(*id));
}

Extracted IdReader::from_cloud_events_envelope() {
  const auto* attributes = body_.cloud_event();
  if (!attributes || !attributes->id) return {};
  constexpr std::string_view kPlace = "CloudEvents attribute \"id\"";
  const auto id = json_scalar(*attributes->id);
  if (!id) return invalid(kPlace, "is not a string");
  const auto source = attributes->source ? json_scalar(*attributes->source) : std::nullopt;
  return with_source(kPlace, source, *id);
}

Extracted IdReader::with_source(std::string_view place, std::optional<std::string_view> source,
                                std::string_view id) {
  if (!source) return invalid(place, "comes without a source, and is unique only within one");
  if (auto poison = refuse_source(place, *source)) return *std::move(poison);
  if (id.empty()) return invalid(place, "is empty");
  std::string text(*source);
  text.append(" ").append(id);
  return RawId{std::move(text), Carries::kSource};
}

Extracted IdReader::from_header(const std::string& name) {
  const auto id = record_.header(name);
  if (!id) return {};
  return RawId{std::string(as_text(*id))};
}

Extracted IdReader::from_pointer(const std::string& pointer) {
  auto found = body_.find(pointer);
  if (auto* poison = std::get_if<Poison>(&found)) return std::move(*poison);
  if (const auto* not_json = std::get_if<EventBody::NotJson>(&found))
    return Poison{reason::kUndecodable,
                  not_json->detail + "; the event id is looked for at " + quoted(pointer)};
  const auto* value = std::get_if<JsonValue>(&found);
  if (!value) return {};
  auto text = json_scalar(*value);
  if (!text)
    return invalid(quoted(pointer),
                   "is " + std::string(describe_json(value->kind)) + ", not a string or a number");
  return RawId{*std::move(text)};
}

Extracted IdReader::from_composed(const IdFrom& from) {
  std::string id;
  const std::string* absent = nullptr;
  bool any = false;
  for (const auto& pointer : from.pointers) {
    auto part = from_pointer(pointer);
    if (std::holds_alternative<Poison>(part)) return part;
    const auto* raw = std::get_if<RawId>(&part);
    if (&pointer != &from.pointers.front()) id += '/';
    if (!raw) {
      absent = &pointer;
      continue;
    }
    if (raw->text.empty()) return invalid(quoted(pointer), "has an empty part");
    any = true;
    append_escaped(id, raw->text);
  }
  if (!any) return {};
  if (absent) return invalid(describe(from), "lacks its part " + quoted(*absent));
  return RawId{std::move(id)};
}

Extracted IdReader::from_coordinates() {
  std::string id(record_.topic());
  id.append("/").append(std::to_string(record_.partition()));
  id.append("/").append(std::to_string(record_.offset()));
  return RawId{std::move(id), Carries::kCoordinates};
}

EventIdRead IdReader::finish(const IdFrom& from, RawId id) {
  if (id.text.empty()) return invalid(describe(from), "is empty");
  auto read = scoped(from, std::move(id));
  const auto* text = std::get_if<std::string>(&read);
  if (!text) return read;
  if (text->size() > kMaxIdBytes)
    return invalid(describe(from), "has " + std::to_string(text->size()) +
                                       " bytes, scope included; at most " +
                                       std::to_string(kMaxIdBytes) + " are allowed");
  if (text->find('\0') != std::string::npos) return invalid(describe(from), "holds a NUL byte");
  if (!is_utf8(*text)) return invalid(describe(from), "is not UTF-8");
  return read;
}

EventIdRead IdReader::scoped(const IdFrom& from, RawId id) {
  if (id.carries == Carries::kCoordinates) return std::move(id.text);
  switch (rules_.scope) {
    case IdScope::kUnspecified:
      if (is_all_digits(id.text)) return ask_for_scope();
      break;
    case IdScope::kGlobal:
      break;
    case IdScope::kSource:
      return scoped_by_source(from, id);
    case IdScope::kTopic:
      return topic_form(id.text);
  }
  return std::move(id.text);
}

EventIdRead IdReader::scoped_by_source(const IdFrom& from, const RawId& id) {
  if (id.carries == Carries::kSource) return id.text;
  const auto source = this->source();
  // The empty source: no other id of this scope starts with a space.
  if (!source) return ' ' + topic_form(id.text);
  if (auto poison = refuse_source(describe(from), *source)) return *std::move(poison);
  return *source + ' ' + id.text;
}

std::optional<std::string> IdReader::source() const {
  if (const auto header = record_.header("ce_source")) return std::string(as_text(*header));
  const auto* attributes = body_.cloud_event();
  if (!attributes || !attributes->source) return std::nullopt;
  return json_scalar(*attributes->source);
}

/// Kafka allows no ':' in a topic's name.
std::string IdReader::topic_form(std::string_view id) const {
  std::string text(record_.topic());
  text.append(":").append(id);
  return text;
}

Undecided IdReader::ask_for_scope() const {
  const std::string topic(record_.topic());
  return {"topic " + quoted(topic) +
          " has event ids that are all digits, and the numbers of two topics collide; say how far "
          "they are unique (global, source or topic), as in  topics: {" +
          topic + ": {id_scope: topic}}"};
}

Poison IdReader::missing() const {
  std::string detail = body_.text() ? "no event id" : "no event id, and the value is null";
  detail += "; looked at: ";
  for (const auto& from : rules_.id)
    detail += (&from == &rules_.id.front() ? "" : ", ") + describe(from);
  detail += "; configure the id of topic " + quoted(record_.topic()) +
            " (a header, a JSON pointer, or coordinates)";
  return {reason::kMissingEventId, std::move(detail)};
}

}  // namespace

bool is_event_id(std::string_view text) {
  return !text.empty() && text.size() <= kMaxIdBytes && is_storable_text(text);
}

EventIdRead read_event_id(const Record& record, EventBody& body, const IdentityRules& rules) {
  return IdReader(record, body, rules).read();
}

}  // namespace kinbox
