#pragma once

#include <optional>
#include <string>

#include "kinbox/bytes.hpp"

namespace kinbox::cli {

/// Text as it is, other bytes as "base64:..."; a terminal and JSON take both.
std::string readable(const std::string& bytes);
/// The bytes that `readable` made `text` of. Throws Error on base64 that is none.
std::string from_readable(const std::string& text);

std::optional<std::string> readable(const std::optional<ByteVector>& bytes);

}  // namespace kinbox::cli
