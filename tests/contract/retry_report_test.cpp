// What others see of an event that is tried again in place, on both databases.
#include "core/retry_report.hpp"

#include <gmock/gmock.h>

#include <atomic>

#include "cli/status/progress_report.hpp"
#include "kinbox/errors.hpp"
#include "support/pipeline.hpp"

namespace kinbox::testing {
namespace {

using namespace std::chrono_literals;
using cli::PartitionReport;
using ::testing::HasSubstr;

class RetryReportContract : public Pipeline {
 protected:
  void prepare() override {
    Pipeline::prepare();
    options.dispatch.on_error.retry.max_attempts = 1'000;
    handle = [this](const Event& event, Transaction& tx) {
      if (event.id().starts_with("slow") && !mended)
        throw RetryableError("the stock\nservice is away", 1'500ms);
      insert_effect(event, tx);
    };
  }

  /// Also when the test fails: its thread is joined.
  struct StopAtEnd {
    Worker& worker;
    ~StopAtEnd() { worker.stop(); }
  };

  PartitionReport of(const TopicPartition& partition) {
    for (auto& found : cli::read_progress(database()))
      if (found.partition == partition) return found;
    return {};
  }
  std::int64_t rows() { return number("SELECT count(*) FROM {kinbox}.retries"); }

  std::atomic<bool> mended = false;
};
KINBOX_FOR_ALL_DATABASES(RetryReportContract);

TEST_P(RetryReportContract, APartitionThatTriesAnEventAgainSaysSoUntilItIsDone) {
  send(p0, "e-0");
  send(p0, "slow-1");
  send(p1, "e-2");
  auto running = member({p0, p1});
  std::jthread loop([&] { running.worker->run(); });
  const StopAtEnd stop{*running.worker};
  ASSERT_TRUE(eventually([&] { return of(p0).state() == "retrying"; }));
  const auto first = of(p0);
  EXPECT_EQ(first.retry->offset, 1);
  EXPECT_EQ(first.retry->handler, "calling");
  EXPECT_EQ(first.retry->error_text, "the stock\nservice is away");
  EXPECT_THAT(first.retry->error_type, HasSubstr("RetryableError"));
  EXPECT_LT(first.retry->since, first.retry->due_at);
  EXPECT_EQ(of(p1).state(), "running");
  EXPECT_TRUE(eventually([&] {
    const auto later = of(p0);
    return later.retry && later.retry->attempts > first.retry->attempts &&
           later.retry->since == first.retry->since && later.retry->seconds >= 1;
  })) << "each attempt is told, and when the first was";
  mended = true;
  EXPECT_TRUE(eventually([&] { return of(p0).state() == "running" && rows() == 0; }));
  EXPECT_TRUE(eventually([&] { return position(p0) == 2; }));
}

TEST_P(RetryReportContract, AWorkerThatLeavesTakesItsWordsAlong) {
  send(p0, "slow-0");
  run_until({p0}, [&] { return of(p0).state() == "retrying"; });
  EXPECT_EQ(of(p0).state(), "stopped");
  EXPECT_EQ(rows(), 0);
}

TEST_P(RetryReportContract, NobodyRetriesWhoIsNotAtWorkOrHasLostThePartition) {
  send(p0, "slow-0");
  run_until({p0}, [&] { return of(p0).state() == "retrying"; });
  script(sql("UPDATE {kinbox}.consumer_progress SET clean_stop = FALSE"));
  script(
      sql("INSERT INTO {kinbox}.workers (owner, consumer, host, pid, version, seen_until) "
          "SELECT owner, consumer, 'desk', 1, '1', '2999-01-01T00:00:00.000Z' "
          "FROM {kinbox}.consumer_progress"));
  script(
      sql("INSERT INTO {kinbox}.retries SELECT owner, topic, partition, 0, 'effects', 3, "
          "'2026-01-01T00:00:00.000Z', '2026-01-01T00:00:09.000Z', 'E', 'no' "
          "FROM {kinbox}.consumer_progress"));
  ASSERT_EQ(of(p0).state(), "retrying");
  script(sql("UPDATE {kinbox}.workers SET seen_until = '2001-01-01T00:00:00.000Z'"));
  EXPECT_EQ(of(p0).state(), "lost");
  script(sql("UPDATE {kinbox}.workers SET seen_until = '2999-01-01T00:00:00.000Z'"));
  script(sql("UPDATE {kinbox}.consumer_progress SET state = 'breaker_open'"));
  EXPECT_EQ(of(p0).state(), "breaker_open");
  script(sql("UPDATE {kinbox}.consumer_progress SET state = 'running', owner = 'another'"));
  EXPECT_FALSE(of(p0).retry);
}

/// Asked about partitions as a worker holds them.
class ToldRetries : public RetryReportContract {
 protected:
  void prepare() override {
    RetryReportContract::prepare();
    script(
        sql("INSERT INTO {kinbox}.workers (owner, consumer, host, pid, version, seen_until) "
            "VALUES ('me', 'orders', 'desk', 1, '1', '2999-01-01T00:00:00.000Z')"));
    auto& partition = partitions[p0];
    partition.id = p0;
    partition.state = OwnedPartition::State::kRunning;
    connection = with_faults(connect(), [this](FaultPoint) {
      if (is_away) throw InfrastructureError("away");
    });
    report =
        std::make_unique<RetryReport>(RetryReport::Parts{.database = *connection, .owner = "me"});
  }

  void fails(std::chrono::milliseconds delay) {
    auto& partition = partitions[p0];
    partition.state = OwnedPartition::State::kWaiting;
    partition.failing_offset = partition.claim.next_offset;
    partition.failing_since = std::chrono::steady_clock::now();
    partition.retry_at = partition.failing_since + delay;
    partition.failure.attempts = 1;
  }

  std::int64_t attempts() {
    return number("SELECT coalesce(max(attempts), 0) FROM {kinbox}.retries");
  }

  OwnedPartitions partitions;
  bool is_away = false;
  std::unique_ptr<Database> connection;
  std::unique_ptr<RetryReport> report;
};
KINBOX_FOR_ALL_DATABASES(ToldRetries);

TEST_P(ToldRetries, NothingIsAskedOfTheDatabaseWhileNothingFailsForLong) {
  is_away = true;
  report->tell(partitions);
  fails(999ms);
  report->tell(partitions);
  fails(1'000ms);
  EXPECT_THROW(report->tell(partitions), InfrastructureError);
  partitions[p0].breaker_open = true;
  report->tell(partitions);
}

TEST_P(ToldRetries, WhatWasToldIsNotToldAgain) {
  fails(5s);
  report->tell(partitions);
  EXPECT_EQ(attempts(), 1);
  is_away = true;
  report->tell(partitions);
  partitions[p0].failure.attempts = 2;
  report->tell(partitions);
  is_away = false;
  EXPECT_TRUE(eventually([&] {
    report->tell(partitions);
    return attempts() == 2;
  })) << "a moment after the first";
}

TEST_P(ToldRetries, WhatAnOutageSwallowedIsToldWithTheNextCall) {
  fails(5s);
  is_away = true;
  EXPECT_THROW(report->tell(partitions), InfrastructureError);
  is_away = false;
  report->tell(partitions);
  EXPECT_EQ(rows(), 1);
  partitions[p0].claim.next_offset = 1;
  is_away = true;
  EXPECT_THROW(report->tell(partitions), InfrastructureError);
  is_away = false;
  report->tell(partitions);
  EXPECT_EQ(rows(), 0);
}

TEST_P(ToldRetries, ItIsOverWhenThePartitionHaltsOrGoes) {
  fails(5s);
  report->tell(partitions);
  partitions[p0].state = OwnedPartition::State::kHalted;
  report->tell(partitions);
  EXPECT_EQ(rows(), 0);
  fails(5s);
  report->tell(partitions);
  EXPECT_EQ(rows(), 1);
  partitions.clear();
  report->tell(partitions);
  EXPECT_EQ(rows(), 0);
}

}  // namespace
}  // namespace kinbox::testing
