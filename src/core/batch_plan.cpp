#include "core/batch_plan.hpp"

#include <unordered_map>
#include <utility>

#include "core/age.hpp"
#include "core/coordinates_text.hpp"
#include "core/iso_time.hpp"
#include "core/partition_lookup.hpp"
#include "kinbox/reason.hpp"

namespace kinbox {
namespace {

std::string coordinates(const Record& record) {
  return coordinates_text(record.topic_partition(), record.offset());
}

std::string no_handler(const Event& event, const Record& record) {
  return "event " + event.id() + " (" + coordinates(record) + "): no handler for type \"" +
         event.type() + "\"; add one, or set unknown_types: skip";
}

}  // namespace

std::vector<BatchPlan::Entry> BatchPlan::make(std::span<const Record> records,
                                              OwnedPartitions& partitions) const {
  std::vector<Entry> entries;
  entries.reserve(records.size());
  PartitionLookup lookup(partitions);
  std::unordered_map<const OwnedPartition*, Offset> next;
  for (const auto& record : records) {
    auto* partition = lookup.find(record);
    if (partition == nullptr || partition->state != OwnedPartition::State::kRunning) continue;
    auto& expected = next.try_emplace(partition, partition->claim.next_offset).first->second;
    // Kafka may step back within an assignment.
    if (record.offset() < expected) continue;
    expected = record.offset() + 1;
    entries.push_back(plan(record, *partition));
  }
  return entries;
}

BatchPlan::Entry BatchPlan::plan(const Record& record, OwnedPartition& partition) const {
  Entry entry;
  entry.item.record = &record;
  entry.item.partition = &partition;
  auto decoded = rules_.decoder.decode(record);
  auto* poison = std::get_if<Poison>(&decoded);
  if (auto* event = std::get_if<Event>(&decoded)) entry.item.event = std::move(*event);
  if (auto* undecided = std::get_if<Undecided>(&decoded))
    entry.halt = std::move(undecided->detail);
  else if (is_too_old(record, rules_.older_than))
    // Before all else: nobody wants the dead letters of years past, either.
    skip(entry, reason::kOlderThan,
         coordinates(record) + " is of " + iso_text(*record.timestamp()) +
             ", and older_than says what is too old");
  else if (poison != nullptr)
    refuse(entry, poison->reason, std::move(poison->detail));
  else
    route(entry);
  return entry;
}

BatchPlan::Entry BatchPlan::make_waiting(const Record& record, OwnedPartition& partition,
                                         WaitingRecord waiting) const {
  Entry entry;
  auto& item = entry.item;
  item.record = &record;
  item.partition = &partition;
  item.waited = std::move(waiting.waited);
  auto decoded = waiting.event_id ? rules_.decoder.decode_as(*waiting.event_id, record)
                                  : rules_.decoder.decode(record);
  if (auto* event = std::get_if<Event>(&decoded))
    item.event = std::move(*event);
  else if (waiting.event_id)
    item.event = Event(record, {.id = std::move(*waiting.event_id),
                                .type = std::move(waiting.event_type),
                                .payload = record.value(),
                                .unwrapped = {},
                                .fingerprint = Fingerprint::of(record.value())});
  if (auto* undecided = std::get_if<Undecided>(&decoded)) {
    bury(entry, reason::kInvalidEventId, std::move(undecided->detail));
  } else if (auto* poison = std::get_if<Poison>(&decoded)) {
    bury(entry, poison->reason, std::move(poison->detail));
  } else {
    item.handler = rules_.handlers.find(item.event->type());
    if (item.handler == nullptr) bury(entry, reason::kUnknownType, no_handler(*item.event, record));
  }
  return entry;
}

void BatchPlan::bury(Entry& entry, std::string_view reason, std::string detail) {
  entry.item.planned = Verdict::kDead;
  entry.item.failure.attempts = entry.item.waited->attempts;
  entry.item.failure.first_failed_at = entry.item.waited->first_failed_at;
  entry.item.failure.failed_at = entry.item.waited->failed_at;
  entry.item.failure.reason = reason;
  entry.item.failure.error_text = std::move(detail);
}

void BatchPlan::route(Entry& entry) const {
  const auto& event = *entry.item.event;
  entry.item.handler = rules_.handlers.find(event.type());
  if (entry.item.handler != nullptr) return;
  auto detail = no_handler(event, *entry.item.record);
  if (rules_.unknown_types == UnknownTypes::kSkip)
    skip(entry, reason::kUnknownType, std::move(detail));
  else
    refuse(entry, reason::kUnknownType, std::move(detail));
}

void BatchPlan::skip(Entry& entry, std::string_view reason, std::string detail) const {
  entry.item.planned = Verdict::kSkipped;
  entry.item.failure.reason = reason;
  entry.item.failure.error_text = std::move(detail);
}

void BatchPlan::refuse(Entry& entry, std::string_view reason, std::string detail) const {
  entry.item.failure.reason = reason;
  entry.item.failure.error_text = detail;
  if (rules_.poison == Then::kHalt) {
    entry.halt = std::string(reason) + ": " + detail;
    return;
  }
  entry.item.planned = rules_.poison == Then::kSkip ? Verdict::kSkipped : Verdict::kDead;
}

}  // namespace kinbox
