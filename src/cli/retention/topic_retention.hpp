#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "kinbox/kafka/settings.hpp"

namespace kinbox::cli {

/// How long a topic keeps records, as its broker says.
struct TopicRetention {
  /// `retention.ms`; nullopt: for ever.
  std::optional<std::chrono::milliseconds> time;
  /// `segment.ms`. Kafka deletes segments as a whole, and none that is still written to: a record
  /// may stay for so much longer.
  std::chrono::milliseconds segment{0};
  /// The last record of each key stays for ever.
  bool compacted = false;
};

/// nullopt: there is no such topic. Throws InfrastructureError when no broker answers, and
/// ConfigurationError when it refuses to.
using AskTopic = std::function<std::optional<TopicRetention>(const std::string& topic)>;

/// Asks the brokers, each topic once. Connects with the first question.
AskTopic ask_brokers(const kafka::Settings& settings,
                     std::chrono::milliseconds patience = std::chrono::seconds{5});

}  // namespace kinbox::cli
