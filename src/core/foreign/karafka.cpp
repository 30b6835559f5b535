#include <algorithm>
#include <array>
#include <string>

#include "core/foreign/readers.hpp"

namespace kinbox::foreign {
namespace {

constexpr std::string_view kPrefix = "source_";
/// What older versions wrote, with the partition in place of the record's key.
constexpr std::string_view kFormerPrefix = "original_";

bool is_karafkas(std::string_view name, std::string_view prefix) {
  constexpr std::array<std::string_view, 6> kNames{"topic",          "partition", "offset",
                                                   "consumer_group", "attempts",  "trace_id"};
  return name.starts_with(prefix) &&
         std::find(kNames.begin(), kNames.end(), name.substr(prefix.size())) != kNames.end();
}

bool owns(std::string_view name) {
  return is_karafkas(name, kPrefix) || is_karafkas(name, kFormerPrefix);
}

/// Such words may be anybody's: only all three of a place show Karafka.
bool has_place(const Record& record, std::string_view prefix) {
  const auto has = [&](std::string_view name) {
    return record.header(std::string(prefix).append(name)).has_value();
  };
  return has("topic") && has("partition") && has("offset");
}

bool recognises(const Record& record) {
  return has_place(record, kPrefix) || has_place(record, kFormerPrefix);
}

void read(DlqHeaders& headers, ForeignLetter& letter) {
  const auto prefix = has_place(headers.record(), kPrefix) ? kPrefix : kFormerPrefix;
  const auto named = [&](std::string_view name) { return std::string(prefix).append(name); };
  letter.origin.topic = headers.topic(named("topic"));
  letter.origin.partition = headers.partition(named("partition"));
  letter.origin.offset = headers.offset(named("offset"));
  letter.group = headers.words(named("consumer_group"));
  letter.attempts = headers.number(named("attempts"));
  letter.dead_at = letter.record.timestamp;
  letter.record.timestamp.reset();
  if (prefix == kFormerPrefix && letter.origin.partition &&
      letter.record.key == std::to_string(*letter.origin.partition)) {
    letter.record.key.reset();
    letter.partial = true;
  }
}

}  // namespace

const Reader kKarafkaReader{Format::kKarafka, recognises, owns, read};

}  // namespace kinbox::foreign
