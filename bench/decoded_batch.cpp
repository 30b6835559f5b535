#include "decoded_batch.hpp"

#include <algorithm>
#include <stdexcept>

namespace kinbox::bench {
namespace {

using Item = DecodedBatch::Item;

const std::string& id_of(const Item* item) { return item->order.event_id; }

}  // namespace

DecodedBatch::DecodedBatch(const std::vector<kafka::MessageHandle>& messages) {
  items.reserve(messages.size());
  for (const auto& message : messages) {
    const auto value = value_of(*message);
    items.push_back({message.get(), parse_order(value), Fingerprint::of(as_bytes(value))});
    next[message->partition] = message->offset + 1;
  }
  claims.reserve(items.size());
  for (const auto& item : items) claims.push_back(&item);
  std::stable_sort(claims.begin(), claims.end(),
                   [](const auto* a, const auto* b) { return id_of(a) < id_of(b); });
  const auto last = std::unique(claims.begin(), claims.end(), [](const auto* a, const auto* b) {
    if (id_of(a) != id_of(b)) return false;
    if (!(a->fingerprint == b->fingerprint)) refuse_conflict(*b);
    return true;
  });
  claims.erase(last, claims.end());
}

ClaimedBatch::ClaimedBatch(const DecodedBatch& batch,
                           const std::function<bool(const Item&)>& is_new) {
  for (const auto* item : batch.claims) (is_new(*item) ? fresh : known).push_back(item);
  // Items stand in poll order.
  std::sort(fresh.begin(), fresh.end());
}

void refuse_conflict(const Item& item) {
  throw std::runtime_error("event " + item.order.event_id + " came with two contents");
}

}  // namespace kinbox::bench
