#include "core/set_aside.hpp"

#include <algorithm>

#include "core/own_statements.hpp"

namespace kinbox {
namespace {

using Clock = std::chrono::steady_clock;

OwnedPartition* find(std::span<OwnedPartition* const> partitions, const TopicPartition& id) {
  const auto found = std::find_if(partitions.begin(), partitions.end(),
                                  [&](const auto* partition) { return partition->id == id; });
  return found == partitions.end() ? nullptr : *found;
}

}  // namespace

void SetAside::load(OpenTransaction& tx, std::span<OwnedPartition* const> partitions) const {
  if (partitions.empty()) return;
  for (auto* partition : partitions) {
    partition->parked.clear();
    partition->letters_due.reset();
    // Until all of it is read.
    partition->set_aside_unsure = true;
  }
  const auto* const only = partitions.size() == 1 ? &partitions[0]->id : nullptr;
  const auto now = Clock::now();
  for (const auto& queue : parked_.queues(tx, only)) {
    auto* partition = find(partitions, queue.partition);
    if (partition == nullptr) continue;
    if (!queue.due_in) parked_.promote(tx, queue.partition, queue.id);
    partition->parked.add(queue.id, queue.waiting,
                          now + queue.due_in.value_or(std::chrono::milliseconds{0}));
  }
  for (const auto& request : letters_.next_due(tx, only))
    if (auto* partition = find(partitions, request.partition))
      partition->letters_due = now + request.due_in;
  for (auto* partition : partitions) partition->set_aside_unsure = false;
}

std::vector<WaitingRecord> SetAside::due(Database& database, OwnedPartition& partition,
                                         std::size_t limit) const {
  std::vector<WaitingRecord> found;
  own_transaction(database, "set aside", [&](OpenTransaction& tx) {
    OwnedPartition* const only = &partition;
    if (partition.set_aside_unsure) load(tx, {&only, 1});
    const auto now = Clock::now();
    if (const auto due = partition.parked.next_due(); due && *due <= now) {
      found = parked_.due(tx, partition.id, limit);
      // The clocks do not agree yet: the database's counts.
      if (found.empty()) load(tx, {&only, 1});
    }
    if (!found.empty() || !partition.letters_due || *partition.letters_due > now) return;
    found = letters_.requested(tx, partition.id, limit);
    // There may be more; when the next of many is due is a question about all of them.
    if (found.size() == limit) return;
    const auto next = letters_.next_due(tx, &partition.id);
    partition.letters_due.reset();
    if (!next.empty()) partition.letters_due = now + next[0].due_in;
  });
  return found;
}

std::optional<Clock::time_point> next_redrive(const OwnedPartition& partition) {
  if (partition.set_aside_unsure) return Clock::time_point{};
  auto due = partition.parked.next_due();
  if (partition.letters_due)
    due = due ? std::min(*due, *partition.letters_due) : partition.letters_due;
  return due;
}

}  // namespace kinbox
