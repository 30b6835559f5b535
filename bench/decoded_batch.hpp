#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "kinbox/fingerprint.hpp"
#include "orders.hpp"
#include "reader.hpp"

namespace kinbox::bench {

/// A poll's records, read once: what the hand-written batch loop knows before it asks the database.
/// Points into the messages.
struct DecodedBatch {
  struct Item {
    const rd_kafka_message_t* message = nullptr;
    Order order;
    Fingerprint fingerprint;
  };

  explicit DecodedBatch(const std::vector<kafka::MessageHandle>& messages);

  /// In poll order.
  std::vector<Item> items;
  /// The first item of each id, sorted by id: unsorted claims of two workers deadlock.
  std::vector<const Item*> claims;
  /// Per partition, behind its last record.
  std::map<std::int32_t, std::int64_t> next;
};

}  // namespace kinbox::bench
