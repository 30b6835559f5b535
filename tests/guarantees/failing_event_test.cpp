// What happens to an event that fails: splitting, retries, verdicts, blame.
#include <gmock/gmock.h>

#include <thread>
#include <utility>

#include "support/pipeline.hpp"

namespace kinbox::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class FailingEvent : public Pipeline {
 protected:
  /// `bad` fails by calling `fail`, everything else takes effect.
  void fail_at(const std::string& bad, Handle fail) {
    handle = [this, bad, fail = std::move(fail)](const Event& event, Transaction& tx) {
      if (event.id() == bad) ++attempts_of_bad;
      if (event.id() == bad) fail(event, tx);
      insert_effect(event, tx);
    };
  }

  void run_three() {
    for (const auto* id : {"before", "bad", "after"}) send(p0, id);
    run_until_idle({p0});
  }

  std::string letter(const std::string& column) {
    const auto found = texts("SELECT " + column + " FROM {kinbox}.dead_letters");
    return found.size() == 1 ? found[0] : std::to_string(found.size()) + " letters";
  }

  int attempts_of_bad = 0;
};
KINBOX_FOR_ALL_DATABASES(FailingEvent);

TEST_P(FailingEvent, TheOthersOfItsBatchAreAppliedAndItIsDeadAfterItsAttempts) {
  fail_at("bad", [](const Event&, Transaction&) { throw std::runtime_error("boom"); });
  run_three();
  EXPECT_THAT(effects(), ElementsAre("before", "after"));
  EXPECT_EQ(attempts_of_bad, 3);
  EXPECT_EQ(verdict("bad"), "dead");
  EXPECT_EQ(letter("reason"), "retries_exhausted");
  EXPECT_EQ(letter("error_text"), "boom");
  EXPECT_EQ(letter("error_type"), "std::runtime_error");
  EXPECT_EQ(letter("handler"), "calling");
  EXPECT_EQ(letter("attempts"), "3");
  EXPECT_EQ(tally(p0), (Tally{.applied = 2, .dead = 1}));
}

TEST_P(FailingEvent, ThatRecoversIsApplied) {
  fail_at("bad", [this](const Event&, Transaction&) {
    if (attempts_of_bad < 3) throw std::runtime_error("not yet");
  });
  run_three();
  EXPECT_THAT(effects(), ElementsAre("before", "bad", "after"));
  EXPECT_EQ(observer.notices<notice::RetryScheduled>().size(), 2U);
}

TEST_P(FailingEvent, PermanentErrorsAndRejectionsAreNotTriedAgain) {
  fail_at("bad", [](const Event&, Transaction&) { throw PermanentError("no orderId", "missing"); });
  run_three();
  EXPECT_EQ(attempts_of_bad, 1);
  EXPECT_EQ(letter("reason"), "handler_rejected");
  EXPECT_EQ(letter("error_code"), "missing");
}

TEST_P(FailingEvent, BusinessRejectionsAreNotTriedAgain) {
  fail_at("bad", [](const Event&, Transaction&) { throw BusinessRejection("card declined"); });
  run_three();
  EXPECT_EQ(attempts_of_bad, 1);
  EXPECT_EQ(letter("error_type"), "kinbox::BusinessRejection");
}

TEST_P(FailingEvent, AHandlerMayThrowAnything) {
  fail_at("bad", [](const Event&, Transaction&) { throw 42; });
  run_three();
  EXPECT_EQ(letter("error_type"), "int");
  EXPECT_THAT(effects(), ElementsAre("before", "after"));
}

TEST_P(FailingEvent, RetryAfterReplacesTheBackoff) {
  options.dispatch.on_error.retry.first_delay = std::chrono::hours{1};
  options.dispatch.on_error.retry.max_delay = std::chrono::hours{1};
  fail_at("bad", [this](const Event&, Transaction&) {
    if (attempts_of_bad == 1) throw RetryableError("busy", std::chrono::milliseconds{3});
  });
  run_three();
  EXPECT_EQ(observer.notices<notice::RetryScheduled>().at(0).delay, std::chrono::milliseconds{3});
  EXPECT_THAT(effects(), ElementsAre("before", "bad", "after"));
}

TEST_P(FailingEvent, OneAttemptMeansNoRetry) {
  options.dispatch.on_error.retry.max_attempts = 1;
  fail_at("bad", [](const Event&, Transaction&) { throw std::runtime_error("boom"); });
  run_three();
  EXPECT_EQ(attempts_of_bad, 1);
}

TEST_P(FailingEvent, SkipIsAVerdictOfItsOwn) {
  options.dispatch.on_error.then = Then::kSkip;
  fail_at("bad", [](const Event&, Transaction&) { throw PermanentError("no"); });
  run_three();
  EXPECT_EQ(verdict("bad"), "skipped");
  EXPECT_THAT(dead_reasons(), IsEmpty());
  EXPECT_EQ(tally(p0), (Tally{.applied = 2, .skipped = 1}));
}

TEST_P(FailingEvent, HaltStopsThePartitionAtIt) {
  options.dispatch.on_error.then = Then::kHalt;
  fail_at("bad", [](const Event&, Transaction&) { throw PermanentError("no"); });
  run_three();
  EXPECT_THAT(effects(), ElementsAre("before"));
  EXPECT_EQ(position(p0), 1);
  EXPECT_THAT(texts("SELECT state_reason FROM {kinbox}.consumer_progress"),
              ElementsAre("handler_rejected: no"));
}

TEST_P(FailingEvent, ASwallowedSqlErrorStillFailsIt) {
  fail_at("bad", [this](const Event&, Transaction& tx) {
    try {
      tx.execute(sql("INSERT INTO {kinbox}.no_such_table VALUES (1)"));
    } catch (const SqlError&) {
    }
    try {
      tx.query("SELECT 1");
    } catch (const SqlError&) {
    }
    throw PermanentError("the handler's own word does not hide it");
  });
  run_three();
  EXPECT_THAT(effects(), ElementsAre("before", "after"));
  EXPECT_EQ(letter("reason"), "retries_exhausted");
  EXPECT_THAT(letter("error_text"), HasSubstr("no_such_table"));
}

TEST_P(FailingEvent, CommitInTheHandlerIsRefused) {
  fail_at("bad", [](const Event&, Transaction& tx) { tx.execute("COMMIT"); });
  run_three();
  EXPECT_THAT(effects(), ElementsAre("before", "after"));
  EXPECT_EQ(letter("error_type"), "kinbox::TransactionMisuse");
}

TEST_P(FailingEvent, ADeferredConstraintAtCommitFindsItsCulprit) {
  script(sql(is_sqlite() ? "CREATE TABLE {kinbox}.parent (id INTEGER PRIMARY KEY);"
                           "CREATE TABLE {kinbox}.child (id INTEGER REFERENCES parent (id) "
                           "DEFERRABLE INITIALLY DEFERRED)"
                         : "CREATE TABLE {kinbox}.parent (id bigint PRIMARY KEY);"
                           "CREATE TABLE {kinbox}.child (id bigint REFERENCES {kinbox}.parent (id) "
                           "DEFERRABLE INITIALLY DEFERRED)"));
  fail_at("e-3", [this](const Event&, Transaction& tx) {
    tx.execute(sql("INSERT INTO {kinbox}.child (id) VALUES ($1)"), 7);
  });
  for (int i = 0; i < 7; ++i) send(p0, "e-" + std::to_string(i));
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("e-0", "e-1", "e-2", "e-4", "e-5", "e-6"));
  EXPECT_EQ(verdict("e-3"), "dead");
  EXPECT_EQ(number(sql("SELECT count(*) FROM {kinbox}.child")), 0);
}

TEST_P(FailingEvent, ATransactionThatTakesTooLongIsMadeSmaller) {
  options.dispatch.max_transaction_time = std::chrono::milliseconds{20};
  handle = [this](const Event& event, Transaction& tx) {
    insert_effect(event, tx);
    if (event.id() == "slow") std::this_thread::sleep_for(std::chrono::milliseconds{40});
  };
  for (const auto* id : {"e-1", "slow", "e-2", "e-3"}) send(p0, id);
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("e-1", "slow", "e-2", "e-3"));
  EXPECT_FALSE(observer.notices<notice::BatchShrunk>().empty());
}

TEST_P(FailingEvent, AllDigitIdsWithoutAScopeHaltWithTheLineToAdd) {
  send(p0, "12345");
  const auto result = run_until_idle({p0});
  ASSERT_EQ(result.halted.size(), 1U);
  EXPECT_THAT(result.halted[0].second, HasSubstr("id_scope"));
  EXPECT_EQ(position(p0), 0);
}

TEST_P(FailingEvent, KinboxsOwnStatementsAreNobodysFault) {
  send(p0, "e-1");
  const auto rename = [&](const std::string& from, const std::string& to) {
    script(sql("ALTER TABLE {kinbox}." + from + " RENAME TO " + to));
  };
  int calls = 0;
  observer.at_step([&](Step step) {
    if (step == Step::kFetched && ++calls == 1) rename("processed_events", "hidden");
    if (step == Step::kFetched && calls == 2) rename("hidden", "processed_events");
  });
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("e-1"));
  EXPECT_THAT(dead_reasons(), IsEmpty());
  EXPECT_THAT(observer.notices<notice::Unavailable>().at(0).what, HasSubstr("own statement"));
}

TEST_P(FailingEvent, ThatKillsItsConnectionEveryTimeIsFoundAndTheOthersAreApplied) {
  options.dispatch.on_error.retry.max_attempts = 2;
  bool killing = false;
  fail_at("bad", [&](const Event&, Transaction& tx) {
    killing = true;
    tx.query("SELECT 1");
  });
  for (const auto* id : {"before", "bad", "after"}) send(p0, id);
  run_until_idle({p0}, [&](FaultPoint point) {
    if (point != FaultPoint::kStatement || !std::exchange(killing, false)) return;
    throw InfrastructureError("the server closed the connection");
  });
  EXPECT_THAT(effects(), ElementsAre("before", "after"));
  EXPECT_EQ(letter("reason"), "kills_transaction");
  EXPECT_EQ(letter("attempts"), "2");
  // Three strikes of the batch, three for each attempt of the record alone.
  EXPECT_EQ(attempts_of_bad, 9);
}

/// SQLite has no connection to kill.
class KilledConnection : public FailingEvent {};
KINBOX_FOR_POSTGRES(KilledConnection);

TEST_P(KilledConnection, IsTheFaultOfTheEventWhoseHandlerEndsItEveryTime) {
  options.dispatch.on_error.retry.max_attempts = 1;
  fail_at("bad", [](const Event&, Transaction& tx) {
    tx.query("SELECT pg_terminate_backend(pg_backend_pid())");
  });
  for (const auto* id : {"before", "bad", "after"}) send(p0, id);
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("before", "after"));
  EXPECT_EQ(letter("reason"), "kills_transaction");
  EXPECT_EQ(attempts_of_bad, 6);
}

TEST_P(FailingEvent, AnOutageIsNotTakenForAKiller) {
  int strikes = 20;
  send(p0, "e-1");
  run_until_idle({p0}, [&](FaultPoint) {
    if (!observer.steps().empty() && strikes-- > 0) throw InfrastructureError("away");
  });
  EXPECT_THAT(effects(), ElementsAre("e-1"));
  EXPECT_THAT(dead_reasons(), IsEmpty());
}

TEST_P(FailingEvent, AUsersInfrastructureErrorIsAnOrdinaryFailure) {
  fail_at("bad", [](const Event&, Transaction&) { throw InfrastructureError("mine"); });
  run_three();
  EXPECT_EQ(attempts_of_bad, 3);
  EXPECT_EQ(verdict("bad"), "dead");
}

}  // namespace
}  // namespace kinbox::testing
