#include "cli/replay/same_logs.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "core/coordinates_text.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::cli {
namespace {

using Place = std::pair<TopicPartition, Offset>;

/// The checksums of the records that stand at the plan's marks and are there.
std::map<Place, std::string> read_back(const std::vector<ReplayPlan::Partition>& partitions,
                                       kafka::LogReader& reader) {
  std::vector<TopicPartition> ids;
  for (const auto& partition : partitions) ids.push_back(partition.slice.partition);
  const auto logs = reader.ranges(ids);
  std::map<Place, std::string> found;
  std::size_t most = 0;
  for (const auto& partition : partitions) most = std::max(most, partition.marks.size());
  // A reader takes one slice of a partition at a time.
  for (std::size_t i = 0; i < most; ++i) {
    std::vector<kafka::LogSlice> slices;
    for (const auto& partition : partitions) {
      const auto& id = partition.slice.partition;
      if (i >= partition.marks.size()) continue;
      const auto offset = partition.marks[i].offset;
      if (offset >= logs.at(id).start && offset < logs.at(id).end)
        slices.push_back({id, offset, offset + 1});
    }
    reader.start(slices);
    for (auto records = reader.next(slices.size() + 1); !records.empty();
         records = reader.next(slices.size() + 1))
      for (const auto& record : records) {
        auto mark = RecordMark::of(record);
        found[{record.topic_partition(), mark.offset}] = std::move(mark.checksum);
      }
  }
  return found;
}

/// Any of the records in its place is proof enough: the others may have been compacted.
void compare(const std::vector<ReplayPlan::Partition>& partitions, kafka::LogReader& reader,
             LogDifferences& differences) {
  if (partitions.empty()) return;
  const auto found = read_back(partitions, reader);
  for (const auto& partition : partitions) {
    const auto& id = partition.slice.partition;
    bool same = false;
    std::optional<Offset> other;
    for (const auto& [offset, checksum] : partition.marks)
      if (const auto record = found.find({id, offset}); record != found.end()) {
        same = same || record->second == checksum;
        if (record->second != checksum) other = offset;
      }
    if (other)
      differences.others.push_back(
          "topic " + id.topic + " was deleted and created anew: the record at " +
          coordinates_text(id, *other) + " is another than the one of the plan");
    else if (!same)
      differences.unknown.push_back(
          "the records by which " + partition_text(id) + " would be known again, " +
          std::to_string(partition.marks.front().offset) + " and " +
          std::to_string(partition.marks.back().offset) +
          ", are gone: compacted, or its topic was deleted and created anew");
  }
}

}  // namespace

LogDifferences differences(const ReplayPlan& plan, kafka::LogReader& reader) {
  LogDifferences differences;
  std::map<std::string, std::string> ids;
  std::vector<ReplayPlan::Partition> by_records;
  for (const auto& partition : plan.partitions) {
    const auto& topic = partition.slice.partition.topic;
    if (partition.topic_id.empty()) {
      if (!partition.marks.empty()) by_records.push_back(partition);
    } else if (const auto fresh = ids.try_emplace(topic); fresh.second) {
      fresh.first->second = reader.topic_id(topic);
      if (fresh.first->second != partition.topic_id)
        differences.others.push_back("topic " + topic + " was deleted and created anew");
    }
  }
  compare(by_records, reader, differences);
  return differences;
}

void require_same_logs(const ReplayPlan& plan, kafka::LogReader& reader) {
  auto [changes, unknown] = differences(plan, reader);
  changes.insert(changes.end(), unknown.begin(), unknown.end());
  if (changes.empty()) return;
  std::string text = "the logs are not, or may not be, the ones of the plan";
  for (const auto& change : changes) text += "\n  " + change;
  throw RefusedError(text + "\nplan again with `kinbox replay plan`");
}

}  // namespace kinbox::cli
