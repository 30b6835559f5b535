#include "core/crash_ledger.hpp"

#include <gmock/gmock.h>

#include <future>
#include <mutex>
#include <set>

#include "support/letters.hpp"
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

  /// The first, in p0, fails and is tried again in an hour; the other is in p1.
  void send_one_that_waits_and_a_killer() {
    options.dispatch.on_error.retry = {.max_attempts = 5,
                                       .first_delay = std::chrono::hours{1},
                                       .max_delay = std::chrono::hours{1}};
    send(p0, "waits");
    send(p1, "killer");
    killers = {"killer"};
    failing = {"waits"};
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
  send_one_that_waits_and_a_killer();
  for (int death = 0; death < 4; ++death) {
    die({p0, p1});
    EXPECT_FALSE(flag("attempting", p0));
    EXPECT_EQ(column("attempt_count", p0), "0");
  }
}

TEST_P(CrashLedgerContract, ARecordThatFailedIsNotMarkedWhileItWaits) {
  send_one_that_waits_and_a_killer();
  die({p0, p1});
  // Whatever ends the process in that hour, it is not this record.
  run_until({p0}, [&] { return flag("attempt_offset = 0 AND NOT attempting", p0); });
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

/// What was set aside, and ends its process when it is tried again.
class CrashOfWhatWaited : public CrashLedgerContract {
 protected:
  void prepare() override {
    CrashLedgerContract::prepare();
    options.dispatch.on_error.retry.max_attempts = 1;
    options.dispatch.max_batch = 4;
  }

  /// `failing` events become what they become, and end their process from now on.
  void turn_deadly() {
    run_until_idle({p0});
    killers = std::exchange(failing, {});
    ran.clear();
  }
  void park(std::chrono::milliseconds delay) {
    options.dispatch.on_error.then = Then::kPark;
    options.dispatch.on_error.park.delays = {delay};
  }
  void request() {
    change_from_outside(p0, "UPDATE {kinbox}.letter_states SET state = 'requested'");
  }
  void make_due() {
    change_from_outside(p0,
                        "UPDATE {kinbox}.parked_events SET due_at = {now} "
                        "WHERE due_at IS NOT NULL");
  }

  /// As `deaths`; each process has a new record to read as well.
  int deaths_among_records() {
    for (int died = 0; died < 20; ++died) {
      send(p0, "later-" + std::to_string(died));
      try {
        run_until_idle({p0});
        return died;
      } catch (const Died&) {
      }
    }
    return -1;
  }
};
KINBOX_FOR_ALL_DATABASES(CrashOfWhatWaited);

TEST_P(CrashOfWhatWaited, ALetterIsOpenAgainAfterItsCrashesWhateverRecordsPass) {
  failing = {"e-5"};
  send_ten(p0);
  turn_deadly();
  request();
  EXPECT_EQ(deaths_among_records(), 1 + 3) << "in a batch first, then alone";
  EXPECT_THAT(dead_reasons(), ElementsAre("crashed"));
  EXPECT_THAT(texts("SELECT state || ' ' || redrive_count || ' ' || attempts || ' ' || handler "
                    "FROM {kinbox}.dead_letters"),
              ElementsAre("open 1 4 calling"));
  EXPECT_EQ(tally(p0), (Tally{.applied = 9 + 5, .dead = 1}));
}

TEST_P(CrashOfWhatWaited, ALetterThatWasGivenUpBeginsAtZeroWhenItIsRequestedAgain) {
  failing = {"e-5"};
  send_ten(p0);
  turn_deadly();
  request();
  EXPECT_EQ(deaths({p0}), 4);
  request();
  EXPECT_EQ(deaths({p0}), 3) << "alone at once: the partition is under suspicion still";
  killers.clear();
  request();
  EXPECT_EQ(deaths({p0}), 0);
  EXPECT_EQ(verdict("e-5"), "applied");
  EXPECT_EQ(tally(p0), (Tally{.applied = 10}));
}

TEST_P(CrashOfWhatWaited, AParkedEventDiesAfterItsCrashesAndThoseBehindItGoOn) {
  park(std::chrono::hours{1});
  failing = {"e-5"};
  send_ten(p0);
  turn_deadly();
  make_due();
  EXPECT_EQ(deaths_among_records(), 1 + 3);
  EXPECT_THAT(dead_reasons(), ElementsAre("crashed"));
  EXPECT_EQ(verdict("e-5"), "dead");
  EXPECT_THAT(effects(), ElementsAre("e-0", "e-1", "e-2", "e-3", "e-4", "e-6", "e-7", "e-8", "e-9",
                                     "later-0", "later-1", "later-2", "later-3", "later-4"));
  EXPECT_EQ(tally(p0), (Tally{.applied = 14, .dead = 1}));
}

TEST_P(CrashOfWhatWaited, WhereItsLadderHaltsThePartitionHaltsAndItIsNotRunAgain) {
  park(std::chrono::hours{1});
  options.dispatch.on_error.park.then = Then::kHalt;
  failing = {"e-5"};
  send_ten(p0);
  turn_deadly();
  make_due();
  EXPECT_EQ(deaths({p0}), 4);
  EXPECT_EQ(column("state", p0), "halted");
  ran.clear();
  EXPECT_EQ(deaths({p0}), 0);
  EXPECT_THAT(ran, IsEmpty());
}

TEST_P(CrashOfWhatWaited, ARecordsOwnCrashesAreKeptWhileOthersAreTriedAgain) {
  park(std::chrono::milliseconds{1});
  options.dispatch.on_error.park.delays.assign(10'000, std::chrono::milliseconds{1});
  failing = {"waits"};
  send(p0, "waits", "its own key");
  run_until_idle({p0});
  killers = {"killer"};
  send(p0, "killer", "another key");
  EXPECT_EQ(deaths({p0}), 4);
  EXPECT_THAT(dead_reasons(), ElementsAre("crashed"));
  EXPECT_EQ(verdict("killer"), "dead");
  EXPECT_EQ(verdict("waits"), "parked");
}

TEST_P(CrashOfWhatWaited, ALetterThatFailsAndComesBackIsNotCharged) {
  failing = {"e-3", "e-5"};
  send_ten(p0);
  run_until_idle({p0});
  failing = {"e-3"};
  killers = {"e-5"};
  for (int death = 0; death < 3; ++death) {
    request();
    die({p0});
    EXPECT_EQ(number(sql("SELECT crashes FROM {kinbox}.dead_letters WHERE event_id = 'e-3'")), 0);
  }
}

TEST_P(CrashOfWhatWaited, MoreThanABatchOfLettersIsNotTriedOneByOne) {
  failing = {"e-0", "e-1", "e-2", "e-3", "e-4", "e-5", "e-6", "e-7", "e-8", "e-9"};
  send_ten(p0);
  run_until_idle({p0});
  failing.clear();
  killers = {"e-1"};
  request();
  die({p0});
  killers.clear();
  const auto before = static_cast<std::ptrdiff_t>(batch_sizes().size());
  EXPECT_EQ(deaths({p0}), 0);
  const auto sizes = batch_sizes();
  EXPECT_THAT(std::vector(sizes.begin() + before, sizes.end()), ElementsAre(1, 1, 1, 1, 4, 2));
  EXPECT_TRUE(flag("suspect", p0)) << "of the records none has been tried yet";
}

TEST_P(CrashOfWhatWaited, SuspicionLastsUntilWhatIsDueWasTriedAndEndsThen) {
  failing = {"e-0", "e-1"};
  send_ten(p0);
  run_until_idle({p0});
  killers = std::exchange(failing, {});
  request();
  die({p0});
  killers.clear();
  send_ten(p0, "later");
  EXPECT_EQ(deaths({p0}), 0);
  EXPECT_FALSE(flag("suspect", p0));
  EXPECT_EQ(tally(p0), (Tally{.applied = 20}));
}

/// The ledger by itself, on one partition.
class CrashMarks : public DatabaseContract {
 protected:
  void prepare() override {
    DatabaseContract::prepare();
    const auto tx = database().begin();
    Progress("c", "me", database().dialect()).create(*tx, partition_, 0);
    letter_ =
        tx->query(tx->dialect().render("INSERT INTO {kinbox}.letters (consumer, topic, partition, "
                                       "record_offset, fingerprint, reason) "
                                       "VALUES ('c', 't', 0, 7, $1, 'a bug') RETURNING id"),
                  ByteVector(16))[0]
            .get<std::int64_t>(0);
    tx->execute(tx->dialect().render(letters_are("open")));
    tx->commit();
  }

  /// An item of `partition`, which it needs no more than its constructor; of a letter if one is
  /// given.
  class Trial {
   public:
    Trial(OwnedPartition partition, Offset offset, std::optional<std::int64_t> letter = {})
        : partition_(std::move(partition)),
          record_({.topic = partition_.id.topic,
                   .partition = 0,
                   .offset = offset,
                   .timestamp = std::nullopt,
                   .key = std::nullopt,
                   .value = std::nullopt,
                   .headers = {}}) {
      item_.partition = &partition_;
      item_.record = &record_;
      if (letter) item_.waited = Waited{.place = Waited::Place::kLetter, .id = *letter};
    }
    Trial(const Trial&) = delete;
    operator const BatchItem&() const { return item_; }

   private:
    OwnedPartition partition_;
    Record record_;
    BatchItem item_;
  };

  std::int64_t crashes_of_letter() { return number("SELECT crashes FROM {kinbox}.dead_letters"); }

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
  std::int64_t letter_ = 0;
};
KINBOX_FOR_ALL_DATABASES(CrashMarks);

TEST_P(CrashMarks, ACrashIsChargedOnceHoweverOftenThePartitionIsTaken) {
  ASSERT_TRUE(ledger("a").begin(Trial(take("a"), 7)));
  EXPECT_EQ(take("b").claim.suspicion->crashes, 1);
  EXPECT_EQ(take("c").claim.suspicion->crashes, 1);
}

TEST_P(CrashMarks, ARetakingByItsOwnerChargesNothing) {
  take("z");
  ASSERT_TRUE(ledger("a").begin(Trial(take("a"), 7)));
  const auto mine = take("a");
  EXPECT_EQ(mine.claim.suspicion->crashes, 0);
  ASSERT_TRUE(ledger("a").begin(Trial(mine, 7)));
  EXPECT_EQ(take("b").claim.suspicion->crashes, 1) << "and its process may still end";
}

TEST_P(CrashMarks, AnotherRecordBeginsAtZero) {
  ASSERT_TRUE(ledger("a").begin(Trial(take("a"), 7)));
  ASSERT_TRUE(ledger("b").begin(Trial(take("b"), 8)));
  const auto suspicion = *take("c").claim.suspicion;
  EXPECT_EQ(suspicion.attempted, 8);
  EXPECT_EQ(suspicion.crashes, 1);
}

TEST_P(CrashMarks, WhatSurvivedIsNotCharged) {
  auto of_a = ledger("a");
  ASSERT_TRUE(of_a.begin(Trial(take("a"), 7)));
  of_a.survived();
  EXPECT_EQ(take("b").claim.suspicion->crashes, 0);
}

TEST_P(CrashMarks, WhoLostThePartitionCannotMark) {
  const auto old = take("a");
  take("b");
  EXPECT_FALSE(ledger("a").begin(Trial(old, 7)));
  EXPECT_FALSE(ledger("a").begin(Trial(old, 7, letter_)));
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.consumer_progress "
                   "WHERE attempting OR attempt_offset IS NOT NULL OR attempt_letter IS NOT NULL"),
            0);
}

TEST_P(CrashMarks, OnlyTheRecordThatIsChargedIsGivenUp) {
  auto suspect = take("a");
  suspect.claim.suspicion = Suspicion{7, 3};
  EXPECT_FALSE(ledger("a").verdict(Trial(suspect, 6)));
  EXPECT_FALSE(ledger("a").verdict(Trial(suspect, 8)));
  EXPECT_FALSE(ledger("a").verdict(Trial(suspect, 7, letter_))) << "it was tried at another place";
  ASSERT_TRUE(ledger("a").verdict(Trial(suspect, 7)));
  EXPECT_EQ(ledger("a").verdict(Trial(suspect, 7))->attempts, 3);
  suspect.claim.suspicion->crashes = 2;
  EXPECT_FALSE(ledger("a").verdict(Trial(suspect, 7)));
}

TEST_P(CrashMarks, WhatWasSetAsideIsChargedInItsOwnRowAndNothingElse) {
  ASSERT_TRUE(ledger("a").begin(Trial(take("a"), 7)));
  ASSERT_TRUE(ledger("b").begin(Trial(take("b"), 7, letter_)));
  EXPECT_EQ(take("c").claim.suspicion->crashes, 1) << "the record that was tried before";
  EXPECT_EQ(crashes_of_letter(), 1);
  take("d");
  EXPECT_EQ(crashes_of_letter(), 1) << "once";
}

TEST_P(CrashMarks, WhatWasSetAsideAndSurvivedIsNotCharged) {
  auto of_a = ledger("a");
  ASSERT_TRUE(of_a.begin(Trial(take("a"), 7, letter_)));
  of_a.survived();
  take("b");
  EXPECT_EQ(crashes_of_letter(), 0);
}

TEST_P(CrashMarks, ARetakingByItsOwnerChargesNothingThatWasSetAside) {
  ASSERT_TRUE(ledger("a").begin(Trial(take("a"), 7, letter_)));
  take("a");
  EXPECT_EQ(crashes_of_letter(), 0);
  take("b");
  EXPECT_EQ(crashes_of_letter(), 1) << "and its process may still end";
}

}  // namespace
}  // namespace kinbox::testing
