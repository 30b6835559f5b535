#include "core/ownership.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "kinbox/errors.hpp"
#include "kinbox/testing/fault_database.hpp"
#include "kinbox/testing/scripted_log.hpp"
#include "support/recording_observer.hpp"
#include "support/test_database.hpp"

namespace kinbox::testing {
namespace {

using State = OwnedPartition::State;
using std::chrono::milliseconds;

/// How a worker takes what Kafka gives it, seen from the database.
class OwnershipContract : public DatabaseContract {
 protected:
  void prepare() override {
    DatabaseContract::prepare();
    faulty_ = with_faults(connect(), [this](FaultPoint point) {
      if (point == FaultPoint::kBegin) ++transactions_;
      if (strike_) strike_(point);
    });
    progress_ = std::make_unique<Progress>("orders", "me", database().dialect());
    set_aside_ = std::make_unique<SetAside>("orders", database().dialect());
    source_ = log_.member();
    source_->subscribe(listener_);
    ownership_ = make_ownership(milliseconds{2'000});
  }

  /// Where the partitions start that Kafka gives us now.
  std::vector<std::optional<Offset>> assign(const std::vector<TopicPartition>& partitions) {
    source_->assign(partitions);
    source_->poll({.max_wait = milliseconds{0}});
    return listener_.starts;
  }

  std::unique_ptr<Ownership> make_ownership(milliseconds patience) {
    return std::make_unique<Ownership>(Ownership::Parts{
        *source_, *faulty_, *progress_, *set_aside_, observer_, InitialPosition{},
        RetryPolicy{.first_delay = milliseconds{0}, .max_delay = milliseconds{0}}, patience});
  }

  /// Every partition stands at ten times its number.
  std::vector<TopicPartition> with_positions(int count) {
    std::vector<TopicPartition> partitions;
    const auto tx = database().begin();
    for (int i = 0; i < count; ++i) {
      partitions.push_back({"wide", i});
      progress_->create(*tx, partitions.back(), Offset{10} * i);
    }
    tx->commit();
    return partitions;
  }

  std::size_t count(State state) const {
    const auto& all = ownership_->partitions();
    return static_cast<std::size_t>(std::count_if(
        all.begin(), all.end(), [&](const auto& entry) { return entry.second.state == state; }));
  }

  /// A partition is assigned while `strike_` strikes, and taken when it no longer does. What was
  /// said at first.
  std::string why_not_taken_at_first() {
    const auto partitions = with_positions(1);
    auto strikes = std::exchange(strike_, {});
    strike_ = [&, strikes](FaultPoint point) mutable {
      if (observer_.notices<notice::Unclaimed>().empty()) strikes(point);
    };
    EXPECT_THAT(assign(partitions), ::testing::ElementsAre(std::nullopt));
    strike_ = {};
    ownership_->claim_due();
    EXPECT_EQ(count(State::kRunning), 1U);
    return observer_.notices<notice::Unclaimed>().at(0).why;
  }

  struct Listener : AssignmentListener {
    explicit Listener(OwnershipContract& of) : test(of) {}
    std::vector<std::optional<Offset>> on_assigned(
        std::span<const TopicPartition> partitions) override {
      return starts = test.ownership_->assign(partitions);
    }
    void on_revoked(std::span<const TopicPartition>, Revocation) override {}
    OwnershipContract& test;
    std::vector<std::optional<Offset>> starts;
  };

  ScriptedLog log_;
  Listener listener_{*this};
  std::unique_ptr<ScriptedSource> source_;
  RecordingObserver observer_;
  std::unique_ptr<Progress> progress_;
  std::unique_ptr<SetAside> set_aside_;
  int transactions_ = 0;
  std::function<void(FaultPoint)> strike_;
  std::unique_ptr<Database> faulty_;
  std::unique_ptr<Ownership> ownership_;
};

TEST_P(OwnershipContract, TenThousandPartitionsAreTakenInAFewTransactions) {
  // The time of one call is another test's.
  ownership_ = make_ownership(std::chrono::minutes{1});
  auto partitions = with_positions(10'000);
  std::reverse(partitions.begin(), partitions.end());
  transactions_ = 0;
  const auto starts = assign(partitions);
  ASSERT_EQ(starts.size(), partitions.size());
  for (std::size_t i = 0; i < starts.size(); ++i)
    EXPECT_EQ(starts[i], Offset{10} * partitions[i].partition) << "in the order of the question";
  EXPECT_EQ(transactions_, 20);
  EXPECT_EQ(ownership_->find({"wide", 4711})->claim.epoch, 1);
}

TEST_P(OwnershipContract, PartitionsWithAndWithoutAPositionComeTogether) {
  auto partitions = with_positions(2);
  log_.append_json({"wide", 2}, "{}");
  partitions.push_back({"wide", 2});
  const auto starts = assign(partitions);
  EXPECT_THAT(starts, ::testing::ElementsAre(0, 10, 0));
  EXPECT_EQ(count(State::kRunning), 3U);
}

TEST_P(OwnershipContract, OneThatCannotBeTakenTakesNothingFromThoseBeforeIt) {
  const auto partitions = with_positions(6);
  int statements = 0;
  strike_ = [&](FaultPoint point) {
    // On PostgreSQL a statement bounds the wait for locks first.
    const int fourth = is_sqlite() ? 4 : 5;
    if (point == FaultPoint::kStatement && ++statements == fourth)
      throw InfrastructureError("locked");
  };
  const auto starts = assign(partitions);
  EXPECT_THAT(starts, ::testing::ElementsAre(0, 10, 20, std::nullopt, std::nullopt, std::nullopt));
  strike_ = {};
  ownership_->back_off_missed();
  while (const auto next = ownership_->next_claim()) {
    std::this_thread::sleep_until(*next);
    ownership_->claim_due();
  }
  EXPECT_EQ(count(State::kRunning), 6U);
  EXPECT_EQ(ownership_->find({"wide", 0})->claim.epoch, 1) << "the first attempt was rolled back";
}

TEST_P(OwnershipContract, ACallThatTakesTooLongLeavesTheRestToTheNext) {
  ownership_ = make_ownership(milliseconds{0});
  const auto partitions = with_positions(3);
  const auto starts = assign(partitions);
  EXPECT_THAT(starts, ::testing::ElementsAre(0, std::nullopt, std::nullopt));
  for (std::size_t taken = 1; taken <= 3; ++taken) {
    EXPECT_EQ(count(State::kRunning), taken);
    ownership_->claim_due();
  }
  EXPECT_EQ(count(State::kRunning), 3U);
}

TEST_P(OwnershipContract, ALockThatNoStoppedOwnerKeepsIsSimplyWaitedFor) {
  strike_ = [statements = 0](FaultPoint point) mutable {
    if (point == FaultPoint::kStatement && ++statements == 1) throw LockTimeoutError("locked");
  };
  EXPECT_EQ(why_not_taken_at_first(), "locked");
}

TEST_P(OwnershipContract, ADatabaseThatGoesWhileItIsAskedWhoKeepsALockIsWaitedForToo) {
  strike_ = [begins = 0](FaultPoint point) mutable {
    if (point == FaultPoint::kStatement) throw LockTimeoutError("locked");
    if (point == FaultPoint::kBegin && ++begins == 2) throw InfrastructureError("away");
  };
  EXPECT_EQ(why_not_taken_at_first(),
            is_sqlite() ? "locked" : "locked; and it cannot be seen what keeps the row: away");
}

KINBOX_FOR_ALL_DATABASES(OwnershipContract);

}  // namespace
}  // namespace kinbox::testing
