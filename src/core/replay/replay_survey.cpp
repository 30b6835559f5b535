#include "core/replay/replay_survey.hpp"

#include <string_view>
#include <utility>
#include <vector>

#include "core/own_statements.hpp"

namespace kinbox {
namespace {

/// An event whose verdict has to be asked for.
struct Asked {
  const Record* record = nullptr;
  ReplayEvents::Found found;
  ReplayPlan::Partition* partition = nullptr;
};

void count(ReplayPlan& plan, const Asked& asked, std::int64_t ReplayCounts::*what) {
  const auto add = [what](ReplayCounts& counts) {
    ++counts.in_range;
    ++(counts.*what);
  };
  add(asked.partition->counts);
  if (asked.found.handler != nullptr && asked.found.kind == ReplayEvents::Kind::kMeant)
    add(plan.by_handler[asked.found.handler->name]);
}

}  // namespace

std::int64_t ReplayCounts::*ReplaySurvey::place_of(const ReplayPlan::Partition& partition,
                                                   const Record& record,
                                                   const std::optional<Inbox::Entry>& entry) {
  if (!entry)
    return record.offset() >= partition.trusted_from ? &ReplayCounts::never_seen
                                                     : &ReplayCounts::unknown;
  switch (entry->verdict) {
    case Verdict::kApplied:
      return &ReplayCounts::applied;
    case Verdict::kDead:
      return &ReplayCounts::dead;
    case Verdict::kParked:
      return &ReplayCounts::parked;
    case Verdict::kSkipped:
      break;
  }
  return &ReplayCounts::skipped;
}

void ReplaySurvey::mark(std::span<const Record> records) {
  std::map<ReplayPlan::Partition*, std::pair<const Record*, const Record*>> ends;
  for (const auto& record : records)
    if (const auto partition = partitions_.find(record.topic_partition());
        partition != partitions_.end())
      ends.try_emplace(partition->second, &record, &record).first->second.second = &record;
  for (const auto& [partition, records_of] : ends) {
    auto& marks = partition->marks;
    if (marks.empty()) marks.push_back(RecordMark::of(*records_of.first));
    marks.resize(1);
    if (auto last = RecordMark::of(*records_of.second); last != marks.front())
      marks.push_back(std::move(last));
  }
}

void ReplaySurvey::take(std::span<const Record> records) {
  mark(records);
  std::vector<Asked> asked;
  asked.reserve(records.size());
  for (const auto& record : records) {
    const auto partition = partitions_.find(record.topic_partition());
    if (partition == partitions_.end()) continue;
    Asked one{&record, events_.find(record), partition->second};
    switch (one.found.kind) {
      case ReplayEvents::Kind::kMeant:
        asked.push_back(std::move(one));
        break;
      case ReplayEvents::Kind::kOutside:
        count(plan_, one, &ReplayCounts::outside);
        break;
      case ReplayEvents::Kind::kUndecodable:
        count(plan_, one, &ReplayCounts::undecodable);
        break;
      case ReplayEvents::Kind::kUnhandled:
      case ReplayEvents::Kind::kTooOld:
        count(plan_, one, &ReplayCounts::unhandled);
        break;
    }
  }
  if (asked.empty()) return;
  std::vector<std::string_view> ids;
  for (const auto& one : asked) ids.push_back(one.found.event->id());
  std::vector<std::optional<Inbox::Entry>> entries;
  own_transaction(database_, "survey",
                  [&](OpenTransaction& tx) { entries = inbox_.find(tx, ids); });
  for (std::size_t i = 0; i < asked.size(); ++i)
    count(plan_, asked[i], place_of(*asked[i].partition, *asked[i].record, entries[i]));
}

}  // namespace kinbox
