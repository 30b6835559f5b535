#include "decoded_batch.hpp"

#include <algorithm>

namespace kinbox::bench {

DecodedBatch::DecodedBatch(const std::vector<kafka::MessageHandle>& messages) {
  items.reserve(messages.size());
  for (const auto& message : messages) {
    const auto value = value_of(*message);
    items.push_back({message.get(), parse_order(value), Fingerprint::of(as_bytes(value))});
    next[message->partition] = message->offset + 1;
  }
  for (const auto& item : items) claims.push_back(&item);
  const auto id = [](const Item* item) -> const std::string& { return item->order.event_id; };
  std::stable_sort(claims.begin(), claims.end(),
                   [&](const auto* a, const auto* b) { return id(a) < id(b); });
  const auto last = std::unique(claims.begin(), claims.end(),
                                [&](const auto* a, const auto* b) { return id(a) == id(b); });
  claims.erase(last, claims.end());
}

}  // namespace kinbox::bench
