#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace kinbox::bench {

/// The payload that the topic carries, about 200 bytes: order number `n`, always the same. Ids are
/// spread like random ones, as a producer's UUIDs are.
std::string order_json(std::int64_t n);
/// The record key of that order.
std::string order_id(std::int64_t n);

/// `n` again, of its member "orderNumber". Throws std::runtime_error.
std::size_t number_of(std::string_view order_number);

/// The account of that buyer, from 0 up to kHotRows.
inline constexpr std::int64_t kHotRows = 1'000;
std::int64_t account_of(std::string_view buyer_id);

/// What the contenders store of an order.
struct Order {
  std::string event_id;
  std::string order_id;
  std::string buyer_id;
  /// The number's token as the producer wrote it.
  std::string amount;
};

/// For the contenders that are written by hand: one pass of the JSON reader that kinbox uses
/// itself. Throws std::runtime_error on anything else than an order.
Order parse_order(std::string_view json);

}  // namespace kinbox::bench
