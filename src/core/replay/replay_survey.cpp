#include "core/replay/replay_survey.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "core/own_statements.hpp"

namespace kinbox {

void ReplaySurvey::decode(std::span<const Record> records) {
  mark(records);
  counting_.add(find(records));
}

void ReplaySurvey::mark(std::span<const Record> records) {
  std::map<ReplayPlan::Partition*, std::pair<const Record*, const Record*>> ends;
  for (const auto& record : records)
    if (auto* const partition = partition_of(record))
      ends.try_emplace(partition, &record, &record).first->second.second = &record;
  for (const auto& [partition, records_of] : ends) {
    auto& marks = partition->marks;
    if (marks.empty()) marks.push_back(RecordMark::of(*records_of.first));
    marks.resize(1);
    if (auto last = RecordMark::of(*records_of.second); last != marks.front())
      marks.push_back(std::move(last));
  }
}

ReplayPlan::Partition* ReplaySurvey::partition_of(const Record& record) {
  auto* const found = lookup_.find(record);
  return found == nullptr ? nullptr : *found;
}

ReplaySurvey::Findings ReplaySurvey::find(std::span<const Record> records) {
  Findings findings;
  findings.all.reserve(records.size());
  for (const auto& record : records) {
    auto* const partition = partition_of(record);
    if (partition == nullptr) continue;
    auto event = events_.find(record);
    Found found;
    found.partition = partition;
    found.offset = record.offset();
    switch (event.kind) {
      case ReplayEvents::Kind::kMeant:
        found.id_size = event.event->id().size();
        findings.ids += event.event->id();
        found.handler = event.handler;
        break;
      case ReplayEvents::Kind::kOutside:
        found.count = &ReplayCounts::outside;
        break;
      case ReplayEvents::Kind::kUndecodable:
        found.count = &ReplayCounts::undecodable;
        break;
      case ReplayEvents::Kind::kUnhandled:
      case ReplayEvents::Kind::kTooOld:
        found.count = &ReplayCounts::unhandled;
        break;
    }
    findings.all.push_back(found);
  }
  return findings;
}

void ReplaySurvey::count(Findings found) {
  ask(found);
  for (const auto& one : found.all) {
    const auto add = [&](ReplayCounts& counts) {
      ++counts.in_range;
      ++(counts.*one.count);
    };
    add(one.partition->counts);
    if (one.handler != nullptr) add(plan_.by_handler[one.handler->name]);
  }
}

void ReplaySurvey::ask(Findings& found) {
  std::vector<Found*> open;
  std::vector<std::string_view> ids;
  std::string_view left = found.ids;
  for (auto& one : found.all) {
    if (one.count != nullptr) continue;
    open.push_back(&one);
    ids.push_back(left.substr(0, one.id_size));
    left.remove_prefix(one.id_size);
  }
  if (open.empty()) return;
  auto entries = inbox_.recall(ids);
  if (!std::ranges::all_of(entries, [](const auto& entry) { return entry.has_value(); }))
    own_transaction(database_, "survey", [&](OpenTransaction& tx) {
      entries = inbox_.find(tx, ids, std::move(entries));
    });
  for (std::size_t i = 0; i < open.size(); ++i) open[i]->count = count_of(*open[i], entries[i]);
}

ReplaySurvey::Count ReplaySurvey::count_of(const Found& found,
                                           const std::optional<Inbox::Entry>& entry) {
  if (!entry)
    return found.offset >= found.partition->trusted_from ? &ReplayCounts::never_seen
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

}  // namespace kinbox
