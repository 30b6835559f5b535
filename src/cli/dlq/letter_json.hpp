#pragma once

#include <string>
#include <string_view>

#include "core/letter_import.hpp"

namespace kinbox::cli {

/// A dead letter with the consumer it is of.
struct ConsumerLetter {
  std::string consumer;
  ImportedLetter letter;

  /// Of the database it was exported from, for people.
  std::int64_t id = 0;
};

/// One line of `kinbox dlq export`, without its end: a JSON object. Bytes stand as a string where
/// they are UTF-8, else as {"base64": "..."}; headers are a list of [name, value] in the producer's
/// order, repeats and nulls included.
std::string letter_to_json(const ConsumerLetter& letter);

/// The letter that such a line is. What was neither resolved nor discarded is open. Throws Error,
/// naming the field, on anything else: a missing or unknown field, another type, a number out of
/// its range.
ConsumerLetter letter_from_json(std::string_view line);

}  // namespace kinbox::cli
