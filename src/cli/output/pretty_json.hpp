#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kinbox::cli {

/// `text` with a line for each member and element. Every token stays as the producer wrote it:
/// 12.50 keeps its zero. Nothing if `text` is not JSON.
std::optional<std::string> pretty_json(std::string_view text);

}  // namespace kinbox::cli
