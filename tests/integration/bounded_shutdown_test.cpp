#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>

#include "kinbox/kafka/admin.hpp"
#include "kinbox/kafka/mock_cluster.hpp"
#include "support/child_process.hpp"
#include "support/kafka.hpp"
#include "support/services.hpp"
#include "support/temporary_directory.hpp"
#include "support/unique_name.hpp"

namespace kinbox::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr auto kErr = ChildProcess::Stream::kErr;
constexpr auto kHangs = KINBOX_BINARY_DIR "/tests/libkinbox_hanging_destroy.so";
/// --drain-timeout, the ten seconds that the documents name, and what a loaded machine takes.
constexpr auto kBound = 3s + 10s + 10s;

const ExitStatus kClean{.code = 0, .signal = {}};
const ExitStatus kFailed{.code = 1, .signal = {}};

/// `kinbox run` that has partitions, and is told to stop while something cannot.
class BoundedShutdown : public ::testing::Test {
 protected:
  void start(const std::string& brokers, const ChildOptions& options = {}) {
    auto settings = fast_settings(brokers);
    settings["session.timeout.ms"] = "6000";
    std::ofstream out(config_);
    out << "kafka:\n";
    for (const auto& [key, value] : settings) out << "  " << key << ": '" << value << "'\n";
    out << "database: {sqlite: k.db}\nconsumers:\n  - {name: orders, group: " << topic_
        << ", topics: [" << topic_ << "], handlers: [order_view]}\n";
    out.close();
    child_ = std::make_unique<ChildProcess>(
        std::vector<std::string>{KINBOX_BINARY_DIR "/kinbox", "run", "--drain-timeout", "3s",
                                 "--config", config_.string()},
        options);
    ASSERT_TRUE(child_->wait_for_line("assigned", 30s, kErr)) << child_->output(kErr);
  }

  void start_on_a_mock(const std::string& hangs) {
    cluster_.create_topic(topic_, 1);
    start(cluster_.bootstrap_servers(),
          {.environment = {{"LD_PRELOAD", kHangs},
                           {"HANGS", hangs},
                           {"ASAN_OPTIONS", "verify_asan_link_order=0"}}});
  }

  /// After SIGTERM, or nothing if it still runs at the bound.
  std::optional<ExitStatus> stop() {
    child_->signal(SIGTERM);
    return child_->wait_for(kBound);
  }

  kafka::MockCluster cluster_;
  TemporaryDirectory directory_;
  std::filesystem::path config_ = directory_ / "kinbox.yaml";
  std::string topic_ = unique_name("stop");
  std::unique_ptr<ChildProcess> child_;
};

TEST_F(BoundedShutdown, AClientThatCannotBeDestroyedIsLeftBehind) {
  start_on_a_mock("flags");
  EXPECT_EQ(stop(), kClean) << child_->output(kErr);
  EXPECT_THAT(child_->output(kErr), HasSubstr("librdkafka did not let go of its client in time"));
}

TEST_F(BoundedShutdown, WhatHangsAfterTheWorkersIsNamedAndEnded) {
  start_on_a_mock("flush");
  EXPECT_EQ(stop(), kFailed) << child_->output(kErr);
  EXPECT_THAT(child_->output(kErr), HasSubstr("hung while closing connections"));
}

/// Takes the broker away from everybody: runs alone.
class BoundedShutdownOutage : public BoundedShutdown {
 protected:
  void SetUp() override {
    KINBOX_REQUIRE_KAFKA();
    kafka::Admin(kafka::Settings({{"bootstrap.servers", KafkaService::get().brokers()}}))
        .create_topic({.name = topic_, .partitions = 2});
  }
};

TEST_F(BoundedShutdownOutage, ABrokerThatIsFrozenDoesNotKeepTheProcess) {
  start(KafkaService::get().brokers());
  const auto outage = KafkaService::get().pause();
  const auto status = stop();
  ASSERT_TRUE(status) << child_->output(kErr);
  EXPECT_EQ(*status, kClean) << child_->output(kErr);
  EXPECT_THAT(child_->output(kErr), HasSubstr("could not be left in time"));
}

}  // namespace
}  // namespace kinbox::testing
