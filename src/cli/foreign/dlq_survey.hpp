#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "kinbox/kafka/log_reader.hpp"

namespace kinbox::cli {

/// Whether a topic is called as DLQ topics are: "orders-dlt", "dlq.billing.orders", "orders_error".
bool has_dlq_name(std::string_view topic);

/// A topic that may be a DLQ, and what its last records show.
struct SurveyedTopic {
  std::string topic;
  int partitions = 0;
  /// Offsets between the logs' starts and ends: records at most.
  std::int64_t records = 0;
  std::set<std::string> formats = {};
  /// Where the records come from.
  std::set<std::string> origins = {};
  std::optional<Timestamp> newest = {};
  /// Why its records could not be read; empty if they could.
  std::string trouble = {};
};

/// Looks at the last records of each of a topic's partitions, whose logs hold `ranges`.
SurveyedTopic look_at(kafka::LogReader& reader, const std::string& topic,
                      const std::map<TopicPartition, LogRange>& ranges);

/// What the logs of each topic hold.
using TopicRanges = std::map<std::string, std::map<TopicPartition, LogRange>>;

/// Of `topics`, which are given with their numbers of partitions; not of Kafka's own ("__...").
TopicRanges ranges_of(kafka::LogReader& reader, const std::map<std::string, int>& topics);

/// Looks at each of the topics, by name. One that no broker brings any more, because it was deleted
/// meanwhile, has its trouble; throws InfrastructureError when that happens twice in a row.
std::vector<SurveyedTopic> survey(kafka::LogReader& reader, const TopicRanges& topics);

}  // namespace kinbox::cli
