#include "orders.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <stdexcept>

#include "core/json_document.hpp"

namespace kinbox::bench {
namespace {

constexpr std::string_view kNumberPrefix = "2024-";

/// splitmix64: neighbours in, strangers out.
std::uint64_t scramble(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

std::string uuid(std::uint64_t seed) {
  const auto high = scramble(seed);
  const auto low = scramble(high);
  std::array<char, 40> text;
  const int length = std::snprintf(
      text.data(), text.size(), "%08x-%04x-4%03x-8%03x-%012llx", static_cast<unsigned>(high >> 32),
      static_cast<unsigned>(high >> 16 & 0xffff), static_cast<unsigned>(high & 0xfff),
      static_cast<unsigned>(low >> 52), static_cast<unsigned long long>(low & 0xffffffffffff));
  return {text.data(), static_cast<std::size_t>(length)};
}

std::string member(const JsonDocument& document, std::string_view name) {
  const auto* value = document.member(name);
  auto text = value == nullptr ? std::nullopt : json_scalar(*value);
  if (!text) throw std::runtime_error("an order without \"" + std::string(name) + '"');
  return *std::move(text);
}

}  // namespace

std::string order_id(std::int64_t n) {
  return "o-" + uuid(static_cast<std::uint64_t>(n) * 2 + 1).substr(0, 18);
}

std::string order_json(std::int64_t n) {
  const auto seed = static_cast<std::uint64_t>(n);
  const auto number = std::to_string(n);
  return R"({"eventId":")" + uuid(seed * 2) + R"(","eventType":"ORDER_CREATED","orderId":")" +
         order_id(n) + R"(","buyerId":"b-)" + std::to_string(scramble(seed) % 10'000) +
         R"(","sellerIds":["s-)" + std::to_string(scramble(seed) % 97) + R"(","s-)" +
         std::to_string(scramble(seed) % 89 + 100) + R"("],"totalAmount":)" +
         std::to_string(scramble(seed) % 90'000 + 10'000) + ".50" + R"(,"orderNumber":")" +
         std::string(kNumberPrefix) + number + R"("})";
}

std::size_t number_of(std::string_view order_number) {
  const auto digits = order_number.substr(std::min(order_number.size(), kNumberPrefix.size()));
  std::size_t n = 0;
  const auto* const end = digits.data() + digits.size();
  const auto [rest, error] = std::from_chars(digits.data(), end, n);
  if (!order_number.starts_with(kNumberPrefix) || error != std::errc{} || rest != end)
    throw std::runtime_error("no order number of the bench: " + std::string(order_number));
  return n;
}

std::int64_t account_of(std::string_view buyer_id) {
  buyer_id.remove_prefix(std::min(buyer_id.size(), std::string_view("b-").size()));
  std::int64_t number = 0;
  std::from_chars(buyer_id.data(), buyer_id.data() + buyer_id.size(), number);
  return number % kHotRows;
}

Order parse_order(std::string_view json) {
  const auto read = read_json(json, {});
  const auto* document = std::get_if<JsonDocument>(&read);
  if (document == nullptr) throw std::runtime_error("a record that is no JSON");
  return {.event_id = member(*document, "eventId"),
          .order_id = member(*document, "orderId"),
          .buyer_id = member(*document, "buyerId"),
          .amount = member(*document, "totalAmount")};
}

}  // namespace kinbox::bench
