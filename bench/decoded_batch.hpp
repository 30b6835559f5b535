#pragma once

#include <cstdint>
#include <functional>
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

  /// Throws std::runtime_error when two records of one id differ.
  explicit DecodedBatch(const std::vector<kafka::MessageHandle>& messages);
  DecodedBatch(const DecodedBatch&) = delete;
  DecodedBatch& operator=(const DecodedBatch&) = delete;

  /// In poll order.
  std::vector<Item> items;
  /// The first item of each id, sorted by id: unsorted claims of two workers deadlock.
  std::vector<const Item*> claims;
  /// Per partition, behind its last record.
  std::map<std::int32_t, std::int64_t> next;
};

/// What a claim of `batch.claims` says: which are new, in poll order, and which are not.
struct ClaimedBatch {
  ClaimedBatch(const DecodedBatch& batch,
               const std::function<bool(const DecodedBatch::Item&)>& is_new);

  std::vector<const DecodedBatch::Item*> fresh;
  std::vector<const DecodedBatch::Item*> known;
};

/// Throws std::runtime_error: one id came with two contents.
[[noreturn]] void refuse_conflict(const DecodedBatch::Item& item);

}  // namespace kinbox::bench
