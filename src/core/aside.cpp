#include "core/aside.hpp"

#include <map>

#include "core/batch.hpp"

namespace kinbox {
namespace {

using Clock = std::chrono::steady_clock;
using Place = Waited::Place;

bool waited_in(const BatchItem& item, Place place) {
  return item.waited && item.waited->place == place;
}

}  // namespace

void Aside::bury(OpenTransaction& tx, const BatchItem& item, const Failure& failure) {
  if (waited_in(item, Place::kLetter))
    return parts_.dead_letters.reopen(tx, item.waited->id, *item.record, failure);
  if (item.waited && item.waited->letter)
    parts_.dead_letters.reopen(tx, *item.waited->letter, *item.record, failure);
  else
    parts_.dead_letters.write(tx, letter_of(item, failure));
}

DeadLetter Aside::letter_of(const BatchItem& item, const Failure& failure) {
  return {
      .record = item.record,
      .event = item.event ? &*item.event : nullptr,
      .failure = failure,
      .topic_id = item.partition->claim.topic_id,
      .parked = waited_in(item, Place::kParked) ? std::optional(item.waited->id) : std::nullopt};
}

void Aside::write(OpenTransaction& tx, const BatchItem& item) {
  // Somebody may have taken it out of its key's.
  const Queue queue{item.partition, item.waited ? item.waited->queue : queue_of(*item.record)};
  const auto due = Clock::now() + item.due_in.value_or(std::chrono::milliseconds{0});
  if (waited_in(item, Place::kParked)) {
    parts_.parked.postpone(tx, item.partition->id, *item.waited, item.failure, item.waited->tries,
                           *item.due_in);
    postponed_.push_back({queue, due});
    return;
  }
  ParkedRows::Parking parking{.record = item.record,
                              .event = &*item.event,
                              .topic_id = item.partition->claim.topic_id,
                              .failure = &item.failure,
                              .due_in = item.due_in};
  if (item.waited) {
    parking.letter = item.waited->id;
    parking.imported = !item.waited->counted;
    parts_.letters.park(tx, item.waited->id);
  }
  parts_.parked.add(tx, parking);
  added_.push_back({queue, due});
}

void Aside::leave(const BatchItem& item) {
  const auto& waited = *item.waited;
  if (waited.place == Place::kLetter) {
    letter_ids_.push_back(waited.id);
    return;
  }
  parked_ids_.push_back(waited.id);
  left_.push_back({item.partition, waited.queue});
  if (!waited.letter) return;
  queued_letters_.push_back(waited.id);
  // A letter that waited in the queue ends with its event.
  if (item.planned == Verdict::kApplied) letter_ids_.push_back(*waited.letter);
}

void Aside::settle(OpenTransaction& tx) {
  for (const auto* item : parked_) write(tx, *item);
  for (const auto* item : seen_again_) parts_.parked.note_seen_again(tx, item->event->id());
  for (const auto id : queued_letters_) parts_.parked.hand_count_to_letter(tx, id);
  parts_.parked.remove(tx, parked_ids_);
  parts_.letters.resolve(tx, letter_ids_);
  std::map<Queue, std::size_t> leaving;
  for (const auto& queue : left_) ++leaving[queue];
  for (const auto& [queue, events] : leaving) {
    if (queue.partition->parked.waiting(queue.id) <= events) continue;
    parts_.parked.promote(tx, queue.partition->id, queue.id);
    promoted_.push_back(queue);
  }
}

void Aside::committed() const {
  const auto now = Clock::now();
  for (const auto& queue : left_) queue.partition->parked.leave(queue.id);
  for (const auto& queue : promoted_) queue.partition->parked.set_due(queue.id, now);
  for (const auto& [queue, due] : added_) queue.partition->parked.add(queue.id, 1, due);
  for (const auto& [queue, due] : postponed_) queue.partition->parked.set_due(queue.id, due);
}

}  // namespace kinbox
