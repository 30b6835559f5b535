#include "handlers/orders/amounts.hpp"

#include "kinbox/errors.hpp"

namespace kinbox::handlers {
namespace {

[[noreturn]] void refuse_size() {
  throw PermanentError("payload: its numbers are too large together", "number_too_large");
}

}  // namespace

std::int64_t positive_quantity(const JsonPayload& line) {
  const auto quantity = line.integer("/quantity");
  if (quantity <= 0)
    throw PermanentError("payload: a \"/quantity\" is not positive", "bad_quantity");
  return quantity;
}

std::int64_t cents(const JsonPayload& payload, std::string_view pointer) {
  const auto cents = payload.minor_units(pointer);
  if (cents < 0)
    throw PermanentError("payload: \"" + std::string(pointer) + "\" is negative", "bad_amount");
  return cents;
}

std::string amount_of(std::int64_t cents) {
  const auto fraction = std::to_string(cents % 100);
  return std::to_string(cents / 100) + (fraction.size() < 2 ? ".0" : ".") + fraction;
}

std::int64_t checked_sum(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) refuse_size();
  return sum;
}

std::int64_t checked_product(std::int64_t a, std::int64_t b) {
  std::int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) refuse_size();
  return product;
}

}  // namespace kinbox::handlers
