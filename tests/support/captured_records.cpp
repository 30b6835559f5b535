#include "support/captured_records.hpp"

#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "core/utf8.hpp"

namespace kinbox::testing {
namespace {

using nlohmann::json;

/// Each character of a captured text stands for a byte.
std::string bytes_of(const json& text) {
  const auto utf8 = text.get<std::string>();
  std::string bytes;
  for (std::size_t at = 0; at < utf8.size();) {
    const auto lead = static_cast<unsigned char>(utf8[at]);
    const auto length = utf8_sequence(utf8.data() + at, utf8.data() + utf8.size());
    if (length == 0 || length > 2) throw std::runtime_error("a character that is no byte: " + utf8);
    bytes += length == 1 ? utf8[at]
                         : static_cast<char>((lead & 0x03U) << 6U |
                                             (static_cast<unsigned char>(utf8[at + 1]) & 0x3FU));
    at += length;
  }
  return bytes;
}

std::optional<std::string> maybe_bytes(const json& text) {
  if (text.is_null()) return std::nullopt;
  return bytes_of(text);
}

OwnedRecord record_of(const json& entry) {
  OwnedRecord record{.topic = entry.at("topic"),
                     .partition = entry.at("partition"),
                     .offset = entry.at("offset"),
                     .timestamp = Timestamp{std::chrono::milliseconds{entry.at("timestamp")}},
                     .key = maybe_bytes(entry.at("key")),
                     .value = maybe_bytes(entry.at("value")),
                     .headers = {}};
  for (const auto& header : entry.at("headers"))
    record.headers.push_back({bytes_of(header.at(0)), maybe_bytes(header.at(1))});
  return record;
}

}  // namespace

std::vector<OwnedRecord> captured_records(const std::string& name) {
  const auto path = std::string(KINBOX_SOURCE_DIR "/tests/data/dlq/") + name + ".json";
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::vector<OwnedRecord> records;
  // Comments are allowed: where a file comes from stands in it.
  for (const auto& entry : json::parse(file, nullptr, true, true))
    records.push_back(record_of(entry));
  return records;
}

}  // namespace kinbox::testing
