#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kinbox/event.hpp"

namespace kinbox {

/// Throws ConfigurationError unless `pointer` is an RFC 6901 JSON pointer: for pointers that come
/// from a configuration.
void require_json_pointer(std::string_view pointer);

/// An event's payload as JSON, for handlers: fields by JSON pointer (RFC 6901, `/buyer/email`,
/// `/items/0/sku`), without a tree and without a number ever passing through a double.
///
/// What is missing or of the wrong kind throws PermanentError that names the pointer and never the
/// value: no later attempt can find it. A pointer that is none throws ConfigurationError.
///
/// Points into the event and is valid as long as it is. Thread-compatible.
///
/// For a tree, or to write JSON, hand `event.payload()` to the library of your choice.
class JsonPayload {
 public:
  /// Reads the payload once, from end to end. Throws PermanentError when it is null, is not JSON,
  /// is nested deeper than `max_depth` (at most 1000) or is an object that holds a key twice.
  explicit JsonPayload(const Event& event, int max_depth = 64);
  JsonPayload(JsonPayload&&) noexcept;
  JsonPayload& operator=(JsonPayload&&) noexcept;
  ~JsonPayload();

  /// A string's content, or a number's token as the producer wrote it: ids come as either.
  std::string text(std::string_view pointer) const;
  /// The same; nothing where the field is absent or null.
  std::optional<std::string> optional_text(std::string_view pointer) const;
  /// An array of what `text` takes.
  std::vector<std::string> texts(std::string_view pointer) const;
  /// A whole number that an int64 holds, written as such (`1`, not `1.0` or `1e3`).
  std::int64_t integer(std::string_view pointer) const;
  /// Money and other decimals: the exact token of a number, or of a string that holds one ("12.50"
  /// stays "12.50").
  std::string decimal(std::string_view pointer) const;
  /// The same as a whole number of its smallest unit: 129.90 is 12990 hundredths, exactly. Throws
  /// PermanentError for more decimals than `digits` (zeros aside) and for what an int64 cannot
  /// hold. For databases without decimals, and for sums.
  std::int64_t minor_units(std::string_view pointer, int digits = 2) const;
  bool boolean(std::string_view pointer) const;
  /// The elements of an array, each to be read by pointers that start at it (`/sku` of
  /// `elements("/items")`); errors name where in the payload that is (`/items/0/sku`). However long
  /// the array is, it is gone through once.
  std::vector<JsonPayload> elements(std::string_view pointer) const;
  /// The field as it stands in the payload, whatever its kind: for a JSON column, or another
  /// parser.
  std::string json(std::string_view pointer) const;

 private:
  class Impl;
  explicit JsonPayload(std::unique_ptr<const Impl> impl);

  std::unique_ptr<const Impl> impl_;
};

}  // namespace kinbox
