#include "cli/foreign/dlq_survey.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "core/foreign/foreign_letter.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::cli {
namespace {

/// Of each partition.
constexpr Offset kSample = 3;
constexpr std::size_t kAtOnce = 500;

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

SurveyedTopic look_at(kafka::LogReader& reader, const std::string& topic,
                      const std::map<TopicPartition, LogRange>& ranges) {
  SurveyedTopic seen{.topic = topic, .partitions = static_cast<int>(ranges.size())};
  std::vector<kafka::LogSlice> ends;
  for (const auto& [partition, log] : ranges) {
    seen.records += log.end - log.start;
    ends.push_back({partition, std::max(log.start, log.end - kSample), log.end});
  }
  try {
    reader.start(ends);
    for (auto some = reader.next(kAtOnce); !some.empty(); some = reader.next(kAtOnce))
      for (const auto& record : some) take(seen, record);
  } catch (const InfrastructureError&) {
    throw;
  } catch (const Error& e) {
    // One topic that is forbidden or damaged must not hide the others.
    seen.trouble = e.what();
  }
  return seen;
}

TopicRanges ranges_of(kafka::LogReader& reader, const std::map<std::string, int>& topics) {
  std::vector<TopicPartition> partitions;
  for (const auto& [topic, count] : topics)
    for (std::int32_t number = 0; number < count && !topic.starts_with("__"); ++number)
      partitions.push_back({topic, number});
  TopicRanges by_topic;
  for (const auto& [partition, log] : reader.ranges(partitions))
    by_topic[partition.topic][partition] = log;
  return by_topic;
}

std::vector<SurveyedTopic> survey(kafka::LogReader& reader, const TopicRanges& topics) {
  std::vector<SurveyedTopic> seen;
  bool silent = false;
  for (const auto& [topic, ranges] : topics) {
    try {
      seen.push_back(look_at(reader, topic, ranges));
      silent = false;
    } catch (const InfrastructureError& e) {
      if (std::exchange(silent, true)) throw;
      seen.push_back({.topic = topic,
                      .partitions = static_cast<int>(ranges.size()),
                      .records = 0,
                      .trouble = e.what()});
    }
  }
  return seen;
}

}  // namespace kinbox::cli
