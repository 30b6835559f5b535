#include "cli/foreign/topic_range.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

#include "cli/config/nearest.hpp"
#include "cli/position/time_words.hpp"
#include "cli/usage_error.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::cli {
namespace {

std::optional<Offset> as_offset(const std::string& text) {
  Offset offset = 0;
  const auto* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, offset);
  if (error != std::errc{} || rest != end || offset < 0) return std::nullopt;
  return offset;
}

std::vector<TopicPartition> partitions_of(const std::map<std::string, int>& topics,
                                          const TopicRange& range) {
  const auto found = topics.find(range.topic);
  if (found == topics.end()) {
    std::vector<std::string> names;
    for (const auto& [name, count] : topics) names.push_back(name);
    const auto near = nearest(range.topic, names);
    throw Error("there is no topic \"" + range.topic +
                (near ? "\"; did you mean \"" + *near + "\"?" : "\" that this user may see"));
  }
  std::vector<TopicPartition> partitions;
  for (std::int32_t number = 0; number < found->second; ++number)
    if (!range.partition || *range.partition == number) partitions.push_back({range.topic, number});
  if (partitions.empty())
    throw UsageError("--partition: topic " + range.topic + " has partitions 0 to " +
                     std::to_string(found->second - 1));
  return partitions;
}

/// Where `text` is in each of the partitions; nothing for an empty one.
std::map<TopicPartition, Offset> places(kafka::LogReader& reader,
                                        const std::vector<TopicPartition>& partitions,
                                        const std::string& option, const std::string& text) {
  std::map<TopicPartition, Offset> places;
  if (text.empty()) return places;
  if (const auto offset = as_offset(text)) {
    for (const auto& partition : partitions) places[partition] = *offset;
    return places;
  }
  return reader.offsets_at(partitions, zoned_time(option + " (an offset, or a time)", text));
}

}  // namespace

std::vector<kafka::LogSlice> slices_of(kafka::LogReader& reader,
                                       const std::map<std::string, int>& topics,
                                       const TopicRange& range) {
  const auto partitions = partitions_of(topics, range);
  const auto begins = places(reader, partitions, "--from", range.from);
  const auto ends = places(reader, partitions, "--until", range.until);
  std::vector<kafka::LogSlice> slices;
  for (const auto& [partition, log] : reader.ranges(partitions)) {
    kafka::LogSlice slice{partition, log.start, log.end};
    if (!begins.empty()) slice.begin = std::max(slice.begin, begins.at(partition));
    if (!ends.empty()) slice.end = std::min(slice.end, ends.at(partition));
    if (slice.begin < slice.end) slices.push_back(std::move(slice));
  }
  return slices;
}

std::int64_t size_of(const std::vector<kafka::LogSlice>& slices) {
  std::int64_t size = 0;
  for (const auto& slice : slices) size += slice.end - slice.begin;
  return size;
}

}  // namespace kinbox::cli
