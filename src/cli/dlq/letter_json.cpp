#include "cli/dlq/letter_json.hpp"

#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/config/units.hpp"
#include "core/base64.hpp"
#include "core/iso_time.hpp"
#include "core/utf8.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::cli {
namespace {

using Json = nlohmann::ordered_json;

Json bytes_json(const std::string& bytes) {
  if (is_utf8(bytes)) return bytes;
  return {{"base64", base64_encode(bytes)}};
}

Json bytes_json(const std::optional<std::string>& bytes) {
  return bytes ? bytes_json(*bytes) : Json(nullptr);
}

Json time_json(std::optional<Timestamp> time) {
  return time ? Json(iso_text(*time)) : Json(nullptr);
}

Json headers_json(const std::vector<OwnedRecord::OwnedHeader>& headers) {
  auto list = Json::array();
  for (const auto& header : headers)
    list.push_back(Json::array({bytes_json(header.name), bytes_json(header.value)}));
  return list;
}

ImportedLetter::State state_from(const std::string& word) {
  if (word == "resolved") return ImportedLetter::State::kResolved;
  if (word == "discarded") return ImportedLetter::State::kDiscarded;
  if (word == "open" || word == "requested" || word == "parked")
    return ImportedLetter::State::kOpen;
  throw Error("state: \"" + word + "\" is none");
}

/// The fields of one line, each taken once.
class Fields {
 public:
  explicit Fields(std::string_view line) {
    try {
      object_ = Json::parse(line);
    } catch (const Json::parse_error& e) {
      throw Error("no JSON (at byte " + std::to_string(e.byte) + ")");
    }
    if (!object_.is_object()) throw Error("no JSON object");
  }

  const Json& take(const std::string& name) {
    const auto found = object_.find(name);
    if (found == object_.end()) throw Error("the field \"" + name + "\" is missing");
    taken_.insert(name);
    return *found;
  }

  std::string text(const std::string& name) {
    const auto& value = take(name);
    if (!value.is_string()) throw Error(name + ": should be text");
    return value.get<std::string>();
  }

  std::optional<std::string> text_or_null(const std::string& name) {
    if (take(name).is_null()) return std::nullopt;
    return text(name);
  }

  std::int64_t number(const std::string& name, std::int64_t least, std::int64_t most) {
    const auto& value = take(name);
    const bool fits = value.is_number_integer() &&
                      (!value.is_number_unsigned() ||
                       value.get<std::uint64_t>() <= static_cast<std::uint64_t>(most));
    if (!fits || value.get<std::int64_t>() < least || value.get<std::int64_t>() > most)
      throw Error(name + ": should be a whole number from " + std::to_string(least) + " to " +
                  std::to_string(most));
    return value.get<std::int64_t>();
  }

  std::optional<std::string> bytes(const std::string& name) { return bytes_from(name, take(name)); }

  std::optional<Timestamp> time(const std::string& name) {
    const auto written = text_or_null(name);
    if (!written) return std::nullopt;
    try {
      return parse_time(*written);
    } catch (const Error& e) {
      throw Error(name + ": " + e.what());
    }
  }

  std::vector<OwnedRecord::OwnedHeader> headers(const std::string& name) {
    const auto& list = take(name);
    const Error wrong(name + ": should be a list of [name, value]");
    if (!list.is_array()) throw wrong;
    std::vector<OwnedRecord::OwnedHeader> headers;
    for (const auto& entry : list) {
      if (!entry.is_array() || entry.size() != 2) throw wrong;
      auto header_name = bytes_from(name, entry[0]);
      if (!header_name) throw wrong;
      headers.push_back({std::move(*header_name), bytes_from(name, entry[1])});
    }
    return headers;
  }

  void refuse_the_rest() const {
    for (const auto& [name, value] : object_.items())
      if (!taken_.contains(name)) throw Error("the field \"" + name + "\" is unknown");
  }

 private:
  static std::optional<std::string> bytes_from(const std::string& name, const Json& value) {
    if (value.is_null()) return std::nullopt;
    if (value.is_string()) return value.get<std::string>();
    if (!value.is_object() || value.size() != 1 || !value.contains("base64") ||
        !value["base64"].is_string())
      throw Error(name + R"(: should be text, {"base64": "..."} or null)");
    try {
      return base64_decode(value["base64"].get<std::string>());
    } catch (const Error& e) {
      throw Error(name + ": " + e.what());
    }
  }

  Json object_;
  std::set<std::string> taken_;
};

constexpr auto kMaxInt = std::numeric_limits<std::int32_t>::max();
constexpr auto kMaxInt64 = std::numeric_limits<std::int64_t>::max();

OwnedRecord record_from(Fields& fields) {
  OwnedRecord record;
  record.topic = fields.text("topic");
  record.partition = static_cast<std::int32_t>(fields.number("partition", 0, kMaxInt));
  record.offset = fields.number("offset", 0, kMaxInt64);
  if (!fields.take("timestamp_ms").is_null())
    record.timestamp = Timestamp(std::chrono::milliseconds(
        fields.number("timestamp_ms", std::numeric_limits<std::int64_t>::min(), kMaxInt64)));
  record.key = fields.bytes("key");
  record.value = fields.bytes("value");
  record.headers = fields.headers("headers");
  return record;
}

Failure failure_from(Fields& fields) {
  Failure failure;
  failure.reason = fields.text("reason");
  failure.handler = fields.text("handler");
  failure.error_type = fields.text("error_type");
  failure.error_code = fields.text("error_code");
  failure.error_text = fields.text("error_text");
  failure.attempts = static_cast<int>(fields.number("attempts", 0, kMaxInt));
  failure.first_failed_at = fields.time("first_failed_at");
  return failure;
}

}  // namespace

std::string letter_to_json(const ConsumerLetter& of) {
  const auto& letter = of.letter;
  const auto& record = letter.record;
  Json line;
  line["id"] = of.id;
  line["consumer"] = of.consumer;
  line["state"] = to_text(letter.state);
  line["event_id"] = letter.event_id ? Json(*letter.event_id) : Json(nullptr);
  line["event_type"] = letter.event_type;
  line["topic"] = record.topic;
  line["topic_id"] = letter.topic_id;
  line["partition"] = record.partition;
  line["offset"] = record.offset;
  line["timestamp_ms"] =
      record.timestamp ? Json(record.timestamp->time_since_epoch().count()) : Json(nullptr);
  line["key"] = bytes_json(record.key);
  line["value"] = bytes_json(record.value);
  line["headers"] = headers_json(record.headers);
  line["reason"] = letter.failure.reason;
  line["handler"] = letter.failure.handler;
  line["error_type"] = letter.failure.error_type;
  line["error_code"] = letter.failure.error_code;
  line["error_text"] = letter.failure.error_text;
  line["attempts"] = letter.failure.attempts;
  line["first_failed_at"] = time_json(letter.failure.first_failed_at);
  line["dead_at"] = time_json(letter.dead_at);
  line["redrive_count"] = letter.redrive_count;
  line["edited_value"] = bytes_json(letter.edited_value);
  return line.dump();
}

ConsumerLetter letter_from_json(std::string_view text) {
  Fields fields(text);
  ConsumerLetter read;
  read.id = fields.number("id", 0, kMaxInt64);
  read.consumer = fields.text("consumer");
  auto& letter = read.letter;
  letter.state = state_from(fields.text("state"));
  letter.event_id = fields.text_or_null("event_id");
  letter.event_type = fields.text("event_type");
  letter.topic_id = fields.text("topic_id");
  letter.record = record_from(fields);
  letter.failure = failure_from(fields);
  letter.dead_at = fields.time("dead_at");
  letter.redrive_count = fields.number("redrive_count", 0, kMaxInt);
  letter.edited_value = fields.bytes("edited_value");
  fields.refuse_the_rest();
  return read;
}

}  // namespace kinbox::cli
