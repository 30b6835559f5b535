#pragma once

#include <memory>
#include <string>

struct rd_kafka_mock_cluster_s;

namespace kinbox::kafka {

/// librdkafka's mock cluster: brokers on loopback, inside this process, reachable from others.
///
/// Good for demonstrations and tests. It forgets everything when destroyed, keeps 5 MiB or 100,000
/// batches per partition, and knows neither transactions, administration nor offsets by time. A
/// group's first join takes three seconds.
class MockCluster {
 public:
  explicit MockCluster(int brokers = 1);
  ~MockCluster();
  MockCluster(MockCluster&&) noexcept;
  MockCluster& operator=(MockCluster&&) noexcept;

  /// For `bootstrap.servers`.
  std::string bootstrap_servers() const;
  /// Topics that nobody created get four partitions when somebody asks for them.
  void create_topic(const std::string& name, int partitions);

  /// For fault injection with rdkafka_mock.h.
  rd_kafka_mock_cluster_s* handle() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kinbox::kafka
