#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kinbox/errors.hpp"
#include "kinbox/kafka/admin.hpp"
#include "support/broker_kafka.hpp"
#include "support/eventually.hpp"

namespace kinbox::kafka {
namespace {

using namespace std::chrono_literals;
using namespace kinbox::testing;

class KafkaAdminTest : public BrokerKafkaTest {};

TEST_F(KafkaAdminTest, TopicsAreMadeWithTheirConfiguration) {
  EXPECT_FALSE(admin_->topic_exists(topic_));
  create_topic(3, {{"retention.ms", "123456"}});
  EXPECT_TRUE(eventually([&] { return admin_->partition_count(topic_) == 3; }));
  EXPECT_EQ(admin_->topic_config(topic_, "retention.ms"), "123456");
  EXPECT_EQ(admin_->topic_config(topic_, "cleanup.policy"), "delete");
  EXPECT_EQ(admin_->topic_config(topic_, "no.such.key"), std::nullopt);
  admin_->create_partitions(topic_, 5);
  EXPECT_TRUE(eventually([&] { return admin_->partition_count(topic_) == 5; }));
}

TEST_F(KafkaAdminTest, WhatABrokerRefusesIsSaid) {
  create_topic(1);
  EXPECT_THROW(create_topic(1), ConfigurationError);
  EXPECT_THROW(admin_->create_topic({.name = unique_name("t"), .config = {{"no.such", "1"}}}),
               ConfigurationError);
  EXPECT_THROW(admin_->create_topic({.name = unique_name("t"), .partitions = -7}),
               ConfigurationError);
  EXPECT_THROW(admin_->create_partitions(topic_, 1), ConfigurationError);
  EXPECT_THROW(admin_->delete_topic("missing"), ConfigurationError);
  EXPECT_THROW(admin_->topic_config("missing", "retention.ms"), ConfigurationError);
  const PartitionOffset beyond{partition(0), 99};
  EXPECT_THROW(admin_->delete_records({&beyond, 1}), ConfigurationError);
}

TEST(KafkaAdminWithoutBroker, SaysSoInTime) {
  Admin admin(Settings(fast_settings("127.0.0.1:1")), 300ms);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_THROW(admin.topic_exists("t"), InfrastructureError);
  EXPECT_THROW(admin.create_topic({.name = "t"}), InfrastructureError);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 4s);
}

}  // namespace
}  // namespace kinbox::kafka
