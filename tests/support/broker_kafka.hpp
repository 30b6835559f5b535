#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "kinbox/kafka/admin.hpp"
#include "kinbox/kafka/source.hpp"
#include "support/kafka.hpp"
#include "support/services.hpp"
#include "support/unique_name.hpp"

namespace kinbox::testing {

/// A topic and a group of the test's own on the real broker.
class BrokerKafkaTest : public ::testing::Test {
 protected:
  void SetUp() override {
    KINBOX_REQUIRE_KAFKA();
    brokers_ = KafkaService::get().brokers();
    admin_ = std::make_unique<kafka::Admin>(kafka::Settings(fast_settings(brokers_)));
  }
  void TearDown() override {
    if (admin_ && created_) admin_->delete_topic(topic_);
  }

  void create_topic(int partitions, const std::map<std::string, std::string>& config = {}) {
    admin_->create_topic({.name = topic_, .partitions = partitions, .config = config});
    created_ = true;
  }

  TopicPartition partition(std::int32_t number) const { return {topic_, number}; }

  kafka::SourceOptions options(const std::map<std::string, std::string>& more = {}) const {
    auto settings = fast_settings(brokers_);
    settings["topic.metadata.refresh.interval.ms"] = "500";
    for (const auto& [key, value] : more) settings[key] = value;
    return {.settings = kafka::Settings(settings), .group = group_, .topics = {topic_}};
  }

  std::unique_ptr<Source> subscribed(AssignmentListener& listener,
                                     const std::map<std::string, std::string>& more = {}) {
    auto source = kafka::make_source(options(more), messages_);
    source->subscribe(listener);
    return source;
  }
  std::unique_ptr<Source> subscribed() { return subscribed(listener_); }

  std::vector<Offset> produce(const std::vector<OwnedRecord>& records) {
    return kinbox::testing::produce(brokers_, records);
  }

  static std::chrono::steady_clock::time_point soon() {
    return std::chrono::steady_clock::now() + std::chrono::seconds{5};
  }

  const std::string topic_ = unique_name("topic");
  const std::string group_ = unique_name("group");
  std::string brokers_;
  std::unique_ptr<kafka::Admin> admin_;
  LibraryMessages messages_;
  RecordingListener listener_;

 private:
  bool created_ = false;
};

}  // namespace kinbox::testing
