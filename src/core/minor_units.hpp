#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace kinbox {

/// A decimal number as a whole number of its `digits`th decimals: "12.5" is 1250 hundredths.
/// Nothing where that would lose something: more decimals that are not zero, more than an int64
/// holds. `number` is a JSON number; its exponent is understood.
std::optional<std::int64_t> minor_units(std::string_view number, int digits);

}  // namespace kinbox
