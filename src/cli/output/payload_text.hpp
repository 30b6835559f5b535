#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kinbox::cli {

/// A payload for a person's eyes.
struct PayloadText {
  /// "JSON", "text", "hex", "null" or "empty".
  std::string form;
  /// Lines that a terminal can take, each with its end.
  std::string lines;
};

/// Whatever the bytes are: JSON laid out with its tokens as they are, text line by line, the rest
/// as hex beside its printable characters.
PayloadText payload_text(const std::optional<std::string>& payload);

}  // namespace kinbox::cli
