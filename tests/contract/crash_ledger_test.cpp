#include "core/crash_ledger.hpp"

#include <gmock/gmock.h>

#include <future>
#include <mutex>
#include <set>

#include "support/pipeline.hpp"

namespace kinbox::testing {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// A worker that dies: its transaction is rolled back, and it says goodbye to nobody.
struct Died {};

class CrashLedgerContract : public Pipeline {
 protected:
  void prepare() override {
    Pipeline::prepare();
    handle = [this](const Event& event, Transaction& tx) {
      ran.push_back(event.id());
      insert_effect(event, tx);
      dying_ = killers.contains(event.id());
      if (failing.contains(event.id())) throw std::runtime_error("not yet");
    };
    observer.at_step([this](Step step) {
      if (step == Step::kHandled && std::exchange(dying_, false)) throw Died{};
    });
  }

  void send_ten(const TopicPartition& partition, const std::string& prefix = "e") {
    for (int i = 0; i < 10; ++i) send(partition, prefix + '-' + std::to_string(i));
  }

  /// Runs workers, one after the other, until one comes to its end. How many died before.
  int deaths(const std::vector<TopicPartition>& partitions) {
    for (int died = 0;; ++died) {
      try {
        run_until_idle(partitions);
        return died;
      } catch (const Died&) {
        if (died > 20) throw;
      }
    }
  }
  void die(const std::vector<TopicPartition>& partitions) {
    EXPECT_THROW(run_until_idle(partitions), Died);
  }

  std::string column(const std::string& name, const TopicPartition& partition) {
    const auto found =
        texts("SELECT CAST(" + name + " AS TEXT) FROM {kinbox}.consumer_progress WHERE topic = '" +
              partition.topic + "' AND partition = " + std::to_string(partition.partition));
    return found.empty() ? "none" : found[0];
  }
  bool flag(const std::string& name, const TopicPartition& partition) {
    return number(sql("SELECT count(*) FROM {kinbox}.consumer_progress WHERE " + name +
                      " AND partition = " + std::to_string(partition.partition))) == 1;
  }
  std::vector<std::size_t> batch_sizes() const {
    std::vector<std::size_t> sizes;
    for (const auto& committed : observer.notices<notice::Committed>())
      sizes.push_back(committed.records);
    return sizes;
  }

  std::set<std::string> killers;
  std::set<std::string> failing;
  std::vector<std::string> ran;

 private:
  bool dying_ = false;
};
KINBOX_FOR_ALL_DATABASES(CrashLedgerContract);

TEST_P(CrashLedgerContract, ARecordThatEndsItsProcessIsDeadAfterItsCrashesAndTheOthersApplied) {
  send_ten(p0);
  killers = {"e-5"};
  EXPECT_EQ(deaths({p0}), 1 + 3) << "in a batch first, then alone";
  EXPECT_THAT(effects(),
              ElementsAre("e-0", "e-1", "e-2", "e-3", "e-4", "e-6", "e-7", "e-8", "e-9"));
  EXPECT_THAT(dead_reasons(), ElementsAre("crashed"));
  EXPECT_EQ(verdict("e-5"), "dead");
  EXPECT_THAT(texts("SELECT handler || ' ' || attempts || ' ' || event_id "
                    "FROM {kinbox}.dead_letters"),
              ElementsAre("calling 3 e-5"));
  EXPECT_EQ(tally(p0), (Tally{.applied = 9, .dead = 1}));
}

TEST_P(CrashLedgerContract, HowManyCrashesIsTheConfigurations) {
  send_ten(p0);
  killers = {"e-0"};
  options.dispatch.max_crashes = 1;
  EXPECT_EQ(deaths({p0}), 2);
  EXPECT_EQ(verdict("e-0"), "dead");
}

TEST_P(CrashLedgerContract, SeveralKillersOfOneBatchAreAllFound) {
  send_ten(p0);
  killers = {"e-2", "e-3", "e-9"};
  deaths({p0});
  EXPECT_THAT(dead_reasons(), ElementsAre("crashed", "crashed", "crashed"));
  EXPECT_EQ(tally(p0), (Tally{.applied = 7, .dead = 3}));
}

TEST_P(CrashLedgerContract, WhereFailuresHaltItHaltsThePartitionAndIsNotRunAgain) {
  send_ten(p0);
  killers = {"e-5"};
  options.dispatch.on_error.then = Then::kHalt;
  deaths({p0});
  EXPECT_EQ(column("state", p0), "halted");
  EXPECT_THAT(column("state_reason", p0), ::testing::StartsWith("crashed: "));
  ran.clear();
  run_until_idle({p0});
  EXPECT_THAT(ran, IsEmpty());
  EXPECT_EQ(position(p0), 5);
}

TEST_P(CrashLedgerContract, TheMarkIsStoredBeforeTheRecordRuns) {
  send_ten(p0);
  killers = {"e-5"};
  die({p0});
  EXPECT_FALSE(flag("attempting", p0)) << "in a batch nobody knows which it was";
  die({p0});
  EXPECT_TRUE(flag("attempting", p0));
  EXPECT_EQ(column("attempt_offset", p0), "5");
  EXPECT_EQ(column("attempt_count", p0), "0") << "its successor counts";
  die({p0});
  EXPECT_EQ(column("attempt_count", p0), "1");
  EXPECT_EQ(observer.notices<notice::Assigned>().back().claim.suspicion->crashes, 1);
}

TEST_P(CrashLedgerContract, NormalBatchesResumeAfterTheFirst) {
  options.dispatch.max_batch = 4;
  send_ten(p0);
  killers = {"e-1"};
  die({p0});
  killers.clear();
  EXPECT_EQ(deaths({p0}), 0);
  EXPECT_THAT(batch_sizes(), ElementsAre(1, 1, 1, 1, 4, 2));
  EXPECT_FALSE(flag("suspect", p0));
  EXPECT_EQ(number(sql("SELECT count(*) FROM {kinbox}.consumer_progress "
                       "WHERE attempt_offset IS NOT NULL OR attempting OR attempt_count > 0")),
            0);
}

TEST_P(CrashLedgerContract, ACleanStopCostsNothing) {
  send_ten(p0);
  run_until_idle({p0});
  send_ten(p0, "later");
  int transactions = 0;
  run_until_idle({p0}, [&](FaultPoint point) {
    if (point == FaultPoint::kBegin) ++transactions;
  });
  EXPECT_THAT(batch_sizes(), ElementsAre(10, 10));
  EXPECT_EQ(transactions, 6) << "register, sign on, take, batch, leave, sign off";
  EXPECT_EQ(column("coalesce(attempt_offset, -1)", p0), "-1");
}

TEST_P(CrashLedgerContract, APartitionThatMovesBetweenLivingWorkersIsNotUnderSuspicion) {
  for (const auto how : {Revocation::kOrderly, Revocation::kLost}) {
    auto here = member({p0});
    here.source->revoke({p0}, how);
    here.source->assign({p1});
    send_ten(p1, how == Revocation::kLost ? "lost" : "orderly");
    here.worker->run({.idle = true}, std::chrono::seconds{10});
    run_until_idle({p0});
    EXPECT_FALSE(observer.notices<notice::Assigned>().back().claim.suspicion);
  }
}

TEST_P(CrashLedgerContract, AnOwnerThatTakesItsPartitionAgainIsNotUnderSuspicion) {
  send_ten(p0);
  bool moved = false;
  handle = [&](const Event& event, Transaction& tx) { insert_effect(event, tx); };
  observer.at_step([&](Step step) {
    if (step != Step::kFetched || std::exchange(moved, true)) return;
    script(sql("UPDATE {kinbox}.consumer_progress SET control_version = control_version + 1"));
  });
  run_until_idle({p0});
  const auto takings = observer.notices<notice::Assigned>();
  ASSERT_EQ(takings.size(), 2U);
  EXPECT_FALSE(takings[1].claim.suspicion);
  EXPECT_THAT(batch_sizes(), ElementsAre(10));
}

TEST_P(CrashLedgerContract, AnInnocentNeighbourIsNotBlamed) {
  send_ten(p0, "neighbour");
  send_ten(p1, "e");
  killers = {"e-5"};
  for (int death = 0; death < 4; ++death) {
    die({p0, p1});
    EXPECT_EQ(column("attempt_count", p0), "0");
    EXPECT_FALSE(flag("attempting", p0));
  }
  EXPECT_EQ(deaths({p0, p1}), 0);
  EXPECT_THAT(dead_reasons(), ElementsAre("crashed"));
  EXPECT_EQ(tally(p0), (Tally{.applied = 10}));
  EXPECT_EQ(tally(p1), (Tally{.applied = 9, .dead = 1}));
}

TEST_P(CrashLedgerContract, ARecordThatFailsAndComesBackIsNotCharged) {
  options.dispatch.on_error.retry = {
      .max_attempts = 5, .first_delay = std::chrono::hours{1}, .max_delay = std::chrono::hours{1}};
  send(p0, "waits");
  send(p1, "killer");
  killers = {"killer"};
  failing = {"waits"};
  for (int death = 0; death < 4; ++death) {
    die({p0, p1});
    EXPECT_FALSE(flag("attempting", p0));
    EXPECT_EQ(column("attempt_count", p0), "0");
  }
}

TEST_P(CrashLedgerContract, SuspicionOutlivesACleanStopBeforeItsEnd) {
  send_ten(p0);
  killers = {"e-1"};
  die({p0});
  killers.clear();
  member({p0}).worker->run({.records = 3}, std::chrono::seconds{10});
  EXPECT_TRUE(flag("clean_stop", p0));
  run_until_idle({p0});
  EXPECT_TRUE(observer.notices<notice::Assigned>().back().claim.suspicion);
  EXPECT_THAT(batch_sizes(), Each(1));
}

TEST_P(CrashLedgerContract, OneRecordOfAProcessIsTriedAtATime) {
  send_ten(p0);
  killers = {"e-1"};
  die({p0});
  killers.clear();
  ran.clear();
  std::mutex trials;
  options.dispatch.trials = &trials;
  std::unique_lock another_worker(trials);
  auto worker = std::async(std::launch::async, [&] { run_until_idle({p0}); });
  EXPECT_EQ(worker.wait_for(std::chrono::milliseconds{200}), std::future_status::timeout);
  EXPECT_THAT(ran, IsEmpty());
  EXPECT_FALSE(flag("attempting", p0));
  another_worker.unlock();
  worker.get();
  EXPECT_EQ(ran.size(), 10U);
}

TEST_P(CrashLedgerContract, WhatNeedsNoHandlerNeedsNoMark) {
  send(p0, "e-0");
  killers = {"e-0"};
  options.dispatch.max_crashes = 1;
  die({p0});
  for (int i = 0; i < 5; ++i) log.append_json(p0, "no JSON");
  deaths({p0});
  EXPECT_EQ(column("attempt_offset", p0), "0");
  EXPECT_EQ(tally(p0), (Tally{.dead = 6}));
}

/// The ledger by itself, on one partition.
class CrashMarks : public DatabaseContract {
 protected:
  void prepare() override {
    DatabaseContract::prepare();
    const auto tx = database().begin();
    Progress("c", "me", database().dialect()).create(*tx, partition_, 0);
    tx->commit();
  }

  OwnedPartition take(const std::string& owner) {
    OwnedPartition taken;
    taken.id = partition_;
    const auto tx = database().begin();
    taken.claim = *Progress("c", owner, database().dialect()).take(*tx, partition_, "");
    tx->commit();
    return taken;
  }
  CrashLedger ledger(const std::string& owner) {
    return CrashLedger({.database = database(), .consumer = "c", .owner = owner});
  }

  TopicPartition partition_{"t", 0};
};
KINBOX_FOR_ALL_DATABASES(CrashMarks);

TEST_P(CrashMarks, ACrashIsChargedOnceHoweverOftenThePartitionIsTaken) {
  ASSERT_TRUE(ledger("a").begin(take("a"), 7));
  EXPECT_EQ(take("b").claim.suspicion->crashes, 1);
  EXPECT_EQ(take("c").claim.suspicion->crashes, 1);
}

TEST_P(CrashMarks, ARetakingByItsOwnerChargesNothing) {
  take("z");
  auto mine = take("a");
  ASSERT_TRUE(ledger("a").begin(mine, 7));
  mine = take("a");
  EXPECT_EQ(mine.claim.suspicion->crashes, 0);
  ASSERT_TRUE(ledger("a").begin(mine, 7));
  EXPECT_EQ(take("b").claim.suspicion->crashes, 1) << "and its process may still end";
}

TEST_P(CrashMarks, AnotherRecordBeginsAtZero) {
  ASSERT_TRUE(ledger("a").begin(take("a"), 7));
  ASSERT_TRUE(ledger("b").begin(take("b"), 8));
  const auto suspicion = *take("c").claim.suspicion;
  EXPECT_EQ(suspicion.attempted, 8);
  EXPECT_EQ(suspicion.crashes, 1);
}

TEST_P(CrashMarks, WhatSurvivedIsNotCharged) {
  auto of_a = ledger("a");
  ASSERT_TRUE(of_a.begin(take("a"), 7));
  of_a.survived();
  EXPECT_EQ(take("b").claim.suspicion->crashes, 0);
}

TEST_P(CrashMarks, WhoLostThePartitionCannotMark) {
  const auto old = take("a");
  take("b");
  EXPECT_FALSE(ledger("a").begin(old, 7));
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.consumer_progress "
                   "WHERE attempting OR attempt_offset IS NOT NULL"),
            0);
}

TEST_P(CrashMarks, OnlyTheRecordThatIsChargedIsGivenUp) {
  auto suspect = take("a");
  suspect.claim.suspicion = Suspicion{7, 3};
  EXPECT_FALSE(ledger("a").verdict(suspect, 6));
  EXPECT_FALSE(ledger("a").verdict(suspect, 8));
  ASSERT_TRUE(ledger("a").verdict(suspect, 7));
  EXPECT_EQ(ledger("a").verdict(suspect, 7)->attempts, 3);
  suspect.claim.suspicion->crashes = 2;
  EXPECT_FALSE(ledger("a").verdict(suspect, 7));
}

}  // namespace
}  // namespace kinbox::testing
