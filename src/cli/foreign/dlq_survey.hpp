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

/// Looks at each of `topics`, which are given with their numbers of partitions, by name; not at
/// Kafka's own ("__...").
std::vector<SurveyedTopic> survey(kafka::LogReader& reader,
                                  const std::map<std::string, int>& topics);

}  // namespace kinbox::cli
