#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "kinbox/json.hpp"

namespace kinbox::handlers {

/// `/quantity` of an order's line. Throws PermanentError, code "bad_quantity", unless it is more
/// than zero.
std::int64_t positive_quantity(const JsonPayload& line);

/// Money that is not less than zero, in cents. Throws PermanentError, code "bad_amount", if it is.
std::int64_t cents(const JsonPayload& payload, std::string_view pointer);

/// 12990 is "129.90". Not less than zero.
std::string amount_of(std::int64_t cents);

/// Sums and products of what producers send. Throw PermanentError, code "number_too_large", where
/// an int64 does not hold them.
std::int64_t checked_sum(std::int64_t a, std::int64_t b);
std::int64_t checked_product(std::int64_t a, std::int64_t b);

}  // namespace kinbox::handlers
