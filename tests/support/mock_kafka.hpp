#pragma once

#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
// After rdkafka.h.
#include <librdkafka/rdkafka_mock.h>

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "kinbox/kafka/mock_cluster.hpp"
#include "kinbox/kafka/source.hpp"
#include "support/kafka.hpp"

namespace kinbox::testing {

/// A mock cluster with the topic "orders" of two partitions, and ways to make it misbehave.
class MockKafkaTest : public ::testing::Test {
 protected:
  /// Kinds of requests, as the protocol numbers them.
  enum Request : std::int16_t { kProduce = 0, kFetch = 1, kOffsetCommit = 8, kHeartbeat = 12 };

  static constexpr auto* kTopic = "orders";
  const TopicPartition kP0{kTopic, 0};
  const TopicPartition kP1{kTopic, 1};

  MockKafkaTest() { cluster_.create_topic(kTopic, 2); }
  ~MockKafkaTest() override { speak(); }

  /// Group "g" on the topic, `more` over the settings.
  kafka::SourceOptions options(const std::map<std::string, std::string>& more = {}) const {
    auto settings = fast_settings(cluster_.bootstrap_servers());
    settings["topic.metadata.refresh.interval.ms"] = "1000";
    for (const auto& [key, value] : more) settings[key] = value;
    return {.settings = kafka::Settings(settings), .group = "g", .topics = {kTopic}};
  }

  std::unique_ptr<Source> subscribed(AssignmentListener& listener,
                                     const std::map<std::string, std::string>& more = {}) {
    auto source = kafka::make_source(options(more), observer_);
    source->subscribe(listener);
    return source;
  }
  std::unique_ptr<Source> subscribed() { return subscribed(listener_); }

  void await_assignment(Source& source) {
    poll_until(
        source, [](const Polled&) {}, [&] { return listener_.assignments() > 0; });
  }

  void produce(const std::vector<OwnedRecord>& records) {
    kinbox::testing::produce(cluster_.bootstrap_servers(), records);
  }

  /// The next requests of that kind fail with these errors.
  void push_error(Request request, rd_kafka_resp_err_t error, int times = 1) {
    const std::vector<rd_kafka_resp_err_t> errors(static_cast<std::size_t>(times), error);
    rd_kafka_mock_push_request_errors_array(cluster_.handle(), request, errors.size(),
                                            errors.data());
  }
  /// The member's next heartbeat costs it its assignment, which it will learn of in its next poll.
  void lose_assignment() {
    rd_kafka_mock_broker_push_request_error_rtts(cluster_.handle(), 1, kHeartbeat, 1,
                                                 RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, 0);
    std::size_t unanswered = 1;
    while (unanswered > 0)
      rd_kafka_mock_broker_error_stack_cnt(cluster_.handle(), 1, kHeartbeat, &unanswered);
    // The library's own thread takes the answer in. Polling would do, but would learn of it.
    std::this_thread::sleep_for(std::chrono::milliseconds{300});
  }
  void set_topic_error(const char* topic, rd_kafka_resp_err_t error) {
    rd_kafka_mock_topic_set_error(cluster_.handle(), topic, error);
  }
  /// Connected, and never answering.
  void silence() { rd_kafka_mock_broker_set_rtt(cluster_.handle(), -1, 3'600'000); }
  void speak() { rd_kafka_mock_broker_set_rtt(cluster_.handle(), -1, 0); }

  static std::chrono::steady_clock::time_point soon() {
    return std::chrono::steady_clock::now() + std::chrono::seconds{5};
  }

  kafka::MockCluster cluster_;
  LibraryMessages observer_;
  RecordingListener listener_;
};

}  // namespace kinbox::testing
