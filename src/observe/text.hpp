#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kinbox/observe/log.hpp"
#include "kinbox/progress.hpp"

namespace kinbox::observe {

/// "250ms", "1.5s", "2m05s".
std::string to_text(std::chrono::milliseconds duration);

/// "488 applied, 12 duplicates"; what is zero is left out, all zero is "nothing".
std::string to_text(const Tally& tally);

std::vector<std::pair<std::string, LogValue>> tally_fields(std::size_t records, const Tally& tally);

/// The part of an error's text that may stand in a log: its first line, shortened, without the
/// excerpt of the input that JSON parsers quote. The whole text stands in `dead_letters`.
std::string loggable_error(std::string_view text);

}  // namespace kinbox::observe
