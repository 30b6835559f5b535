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
constexpr std::size_t kTopicsAtOnce = 100;

void take(SurveyedTopic& seen, const Record& record) {
  const auto letter = foreign::read_letter(record);
  seen.formats.emplace(to_text(letter.format));
  if (letter.origin.topic) seen.origins.insert(*letter.origin.topic);
  if (record.timestamp() && (!seen.newest || *seen.newest < *record.timestamp()))
    seen.newest = record.timestamp();
}

SurveyedTopic unread(const TopicRanges::value_type& topic) {
  SurveyedTopic seen{.topic = topic.first, .partitions = static_cast<int>(topic.second.size())};
  for (const auto& [partition, log] : topic.second) seen.records += log.end - log.start;
  return seen;
}

SurveyedTopic troubled(const TopicRanges::value_type& topic, std::string trouble) {
  auto seen = unread(topic);
  seen.trouble = std::move(trouble);
  return seen;
}

/// In one reading, because a client takes a while to begin with a topic. Throws if any of them
/// cannot be read.
std::vector<SurveyedTopic> look_at_all(kafka::LogReader& reader, const TopicRanges& topics) {
  std::vector<kafka::LogSlice> ends;
  std::map<std::string, SurveyedTopic> seen;
  for (const auto& topic : topics) {
    seen.emplace(topic.first, unread(topic));
    for (const auto& [partition, log] : topic.second)
      ends.push_back({partition, std::max(log.start, log.end - kSample), log.end});
  }
  reader.start(ends);
  for (auto some = reader.next(kAtOnce); !some.empty(); some = reader.next(kAtOnce))
    for (const auto& record : some) take(seen.at(std::string(record.topic())), record);
  std::vector<SurveyedTopic> in_order;
  for (auto& [name, topic] : seen) in_order.push_back(std::move(topic));
  return in_order;
}

/// Finds out which of them cannot be read.
void look_at_each(kafka::LogReader& reader, const TopicRanges& topics,
                  std::vector<SurveyedTopic>& seen) {
  bool silent = false;
  for (const auto& topic : topics) {
    try {
      seen.push_back(look_at(reader, topic.first, topic.second));
      silent = false;
    } catch (const InfrastructureError& e) {
      if (std::exchange(silent, true)) throw;
      seen.push_back(troubled(topic, e.what()));
    }
  }
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
  try {
    return look_at_all(reader, {{topic, ranges}}).front();
  } catch (const InfrastructureError&) {
    throw;
  } catch (const Error& e) {
    // One topic that is forbidden or damaged must not hide the others.
    return troubled({topic, ranges}, e.what());
  }
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
  TopicRanges some;
  const auto look = [&] {
    try {
      for (auto& topic : look_at_all(reader, some)) seen.push_back(std::move(topic));
    } catch (const Error&) {
      look_at_each(reader, some, seen);
    }
    some.clear();
  };
  for (const auto& topic : topics) {
    some.insert(topic);
    if (some.size() == kTopicsAtOnce) look();
  }
  look();
  return seen;
}

}  // namespace kinbox::cli
