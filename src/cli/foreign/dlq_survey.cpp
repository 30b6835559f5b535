#include "cli/foreign/dlq_survey.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "core/foreign/foreign_letter.hpp"

namespace kinbox::cli {
namespace {

/// Of each partition.
constexpr Offset kSample = 3;

std::map<TopicPartition, LogRange> ranges_of(kafka::LogReader& reader,
                                             const std::map<std::string, int>& topics) {
  std::vector<TopicPartition> partitions;
  for (const auto& [topic, count] : topics)
    for (std::int32_t number = 0; number < count; ++number) partitions.push_back({topic, number});
  return reader.ranges(partitions);
}

void take(SurveyedTopic& seen, const Record& record) {
  const auto letter = foreign::read_letter(record);
  seen.formats.emplace(to_text(letter.format));
  if (letter.origin.topic) seen.origins.insert(*letter.origin.topic);
  if (record.timestamp() && (!seen.newest || *seen.newest < *record.timestamp()))
    seen.newest = record.timestamp();
}

}  // namespace

bool has_dlq_name(std::string_view topic) {
  constexpr std::array<std::string_view, 9> kParts{"dlq",          "dlt",          "deadletter",
                                                   "dead-letter",  "dead_letter",  "dead.letter",
                                                   "dead-message", "dead_message", "dead.message"};
  constexpr std::array<std::string_view, 6> kEnds{"_error",  "-error",  ".error",
                                                  "_errors", "-errors", ".errors"};
  std::string name(topic);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto holds = [&](std::string_view part) { return name.find(part) != std::string::npos; };
  const auto ends = [&](std::string_view end) { return name.ends_with(end); };
  return std::any_of(kParts.begin(), kParts.end(), holds) ||
         std::any_of(kEnds.begin(), kEnds.end(), ends);
}

std::vector<SurveyedTopic> survey(kafka::LogReader& reader,
                                  const std::map<std::string, int>& topics) {
  std::map<std::string, SurveyedTopic> seen;
  std::map<std::string, int> ours;
  for (const auto& [topic, count] : topics) {
    if (topic.starts_with("__")) continue;
    ours.emplace(topic, count);
    seen[topic] = {.topic = topic, .partitions = count};
  }
  std::vector<kafka::LogSlice> ends;
  for (const auto& [partition, log] : ranges_of(reader, ours)) {
    seen[partition.topic].records += log.end - log.start;
    ends.push_back({partition, std::max(log.start, log.end - kSample), log.end});
  }
  reader.start(ends);
  for (auto some = reader.next(500); !some.empty(); some = reader.next(500))
    for (const auto& record : some) take(seen[std::string(record.topic())], record);
  std::vector<SurveyedTopic> list;
  for (auto& [topic, entry] : seen) list.push_back(std::move(entry));
  return list;
}

}  // namespace kinbox::cli
