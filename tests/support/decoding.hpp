#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "kinbox/event_decoder.hpp"
#include "kinbox/record.hpp"

namespace kinbox::testing {

using TestHeaders = std::vector<OwnedRecord::OwnedHeader>;

/// A record of orders/3@4211.
inline OwnedRecord order_record(std::optional<std::string> value, TestHeaders headers = {}) {
  return {.topic = "orders",
          .partition = 3,
          .offset = 4211,
          .timestamp = std::nullopt,
          .key = "o-1",
          .value = std::move(value),
          .headers = std::move(headers)};
}

/// What a decoder made of a record that lives as long as the result.
class DecodedRecord {
 public:
  DecodedRecord(const EventDecoder& decoder, OwnedRecord record)
      : record_(std::make_unique<Record>(std::move(record))), decoded_(decoder.decode(*record_)) {}
  DecodedRecord(const IdentityRules& rules, OwnedRecord record)
      : DecodedRecord(EventDecoder(rules), std::move(record)) {}
  explicit DecodedRecord(OwnedRecord record) : DecodedRecord(EventDecoder(), std::move(record)) {}

  const Decoded& decoded() const { return decoded_; }
  const Event& event() const {
    if (const auto* poison = std::get_if<Poison>(&decoded_))
      throw std::runtime_error("poison, not an event: " + poison->detail);
    return std::get<Event>(decoded_);
  }
  const Poison& poison() const { return std::get<Poison>(decoded_); }
  const Undecided& undecided() const { return std::get<Undecided>(decoded_); }

  /// The reason of poison, else empty.
  std::string reason() const {
    const auto* poison = std::get_if<Poison>(&decoded_);
    return poison ? std::string(poison->reason) : std::string();
  }
  /// The payload as text; "(null)" for none.
  std::string payload() const {
    const auto bytes = event().payload();
    return bytes ? std::string(as_text(*bytes)) : "(null)";
  }

 private:
  std::unique_ptr<Record> record_;
  Decoded decoded_;
};

inline IdFrom id_from_header(std::string name) {
  return {.kind = IdFrom::Kind::kHeader, .what = std::move(name), .pointers = {}};
}
inline IdFrom id_from_pointer(std::string pointer) {
  return {.kind = IdFrom::Kind::kJsonPointer, .what = std::move(pointer), .pointers = {}};
}
inline IdFrom composed_id(std::vector<std::string> pointers) {
  return {.kind = IdFrom::Kind::kComposed, .what = {}, .pointers = std::move(pointers)};
}
inline IdFrom id_from_coordinates() {
  return {.kind = IdFrom::Kind::kCoordinates, .what = {}, .pointers = {}};
}

inline IdentityRules rules_with_id(std::vector<IdFrom> id, IdScope scope = IdScope::kUnspecified) {
  IdentityRules rules;
  rules.id = std::move(id);
  rules.scope = scope;
  return rules;
}

}  // namespace kinbox::testing
