#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "kinbox/kafka/settings.hpp"
#include "kinbox/source.hpp"

namespace kinbox::kafka {

struct NewTopic {
  std::string name;
  int partitions = 1;
  /// Topic configuration, e.g. {"retention.ms", "3600000"}.
  std::map<std::string, std::string> config = {};
  /// -1: what the broker has as default.
  int replication_factor = -1;
};

/// Administration of a cluster, as far as demonstrations, checks and tests need it.
///
/// Every call waits `timeout` at most and throws InfrastructureError when no broker answered by
/// then, ConfigurationError when the broker refused. The mock cluster answers only the questions
/// about topics and partitions. Not thread-safe.
class Admin {
 public:
  explicit Admin(const Settings& settings,
                 std::chrono::milliseconds timeout = std::chrono::seconds{15});
  ~Admin();

  void create_topic(const NewTopic& topic);
  void delete_topic(const std::string& topic);
  /// Grows a topic to `total` partitions.
  void create_partitions(const std::string& topic, int total);
  /// Deletes what is older than the given offset of each partition.
  void delete_records(std::span<const PartitionOffset> before);

  /// The topics that this user may see, and how many partitions they have.
  std::map<std::string, int> topics();
  /// nullopt if there is no such topic. Never creates one.
  std::optional<int> partition_count(const std::string& topic);
  bool topic_exists(const std::string& topic) { return partition_count(topic).has_value(); }
  /// A value of the topic's configuration, defaults included; nullopt if there is no such key.
  std::optional<std::string> topic_config(const std::string& topic, const std::string& key);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kinbox::kafka
