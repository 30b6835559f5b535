#include "core/replay/replay_survey.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "core/own_statements.hpp"

namespace kinbox {

void ReplaySurvey::decode(std::span<const Record> records) {
  Findings findings;
  findings.all.reserve(records.size());
  std::map<ReplayPlan::Partition*, std::pair<const Record*, const Record*>> ends;
  for (const auto& record : records) {
    auto* const* const partition = lookup_.find(record);
    if (partition == nullptr) continue;
    ends.try_emplace(*partition, &record, &record).first->second.second = &record;
    findings.all.push_back(find(record, **partition, findings.ids));
  }
  for (const auto& [partition, records_of] : ends)
    mark(*partition, *records_of.first, *records_of.second);
  counting_.add(std::move(findings));
}

void ReplaySurvey::mark(ReplayPlan::Partition& partition, const Record& first, const Record& last) {
  auto& marks = partition.marks;
  if (marks.empty()) marks.push_back(RecordMark::of(first));
  marks.resize(1);
  if (auto mark = RecordMark::of(last); mark != marks.front()) marks.push_back(std::move(mark));
}

ReplaySurvey::Found ReplaySurvey::find(const Record& record, ReplayPlan::Partition& partition,
                                       std::string& ids) const {
  auto event = events_.find(record);
  Found found;
  found.partition = &partition;
  found.offset = record.offset();
  switch (event.kind) {
    case ReplayEvents::Kind::kMeant:
      found.id_size = event.event->id().size();
      ids += event.event->id();
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
  return found;
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
