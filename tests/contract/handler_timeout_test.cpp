// The time a handler has: its statements are cancelled, its event counts a timeout, nobody else's
// does.
#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>

#include <pqxx/pqxx>
#include <thread>

#include "kinbox/errors.hpp"
#include "kinbox/postgres/native.hpp"
#include "kinbox/sqlite/native.hpp"
#include "support/pipeline.hpp"

namespace kinbox::testing {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr milliseconds kShort{50};
/// Tests that wait for it have failed.
constexpr milliseconds kLong = std::chrono::minutes{1};

class HandlerTimeoutContract : public Pipeline {
 protected:
  /// A query that nobody sees the end of.
  std::string endless() const {
    return is_sqlite() ? "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) "
                         "SELECT count(*) FROM c"
                       : "SELECT pg_sleep(600)";
  }

  void limit(milliseconds time) {
    handler_timeout = time;
    options.dispatch.on_error.retry.max_attempts = 2;
  }

  /// `bad` runs `waste` first, everybody takes effect.
  void waste_time_of_bad(Handle waste) {
    handle = [this, waste = std::move(waste)](const Event& event, Transaction& tx) {
      if (event.id() == "bad") ++attempts_of_bad;
      if (event.id() == "bad") waste(event, tx);
      insert_effect(event, tx);
    };
    for (const auto* id : {"before", "bad", "after"}) send(p0, id);
    run_until_idle({p0});
  }

  void expect_only_bad_timed_out() {
    EXPECT_THAT(effects(), ElementsAre("before", "after"));
    EXPECT_EQ(attempts_of_bad, 2) << "each is an attempt";
    EXPECT_THAT(texts("SELECT reason || ' ' || event_id || ' ' || attempts || ' ' || error_code "
                      "FROM {kinbox}.dead_letters"),
                ElementsAre(HasSubstr("timeout bad 2")));
  }
  std::string error_text() { return texts("SELECT error_text FROM {kinbox}.dead_letters").at(0); }

  int attempts_of_bad = 0;
};
KINBOX_FOR_ALL_DATABASES(HandlerTimeoutContract);

TEST_P(HandlerTimeoutContract, AStatementThatItWaitsForIsCancelled) {
  limit(kShort);
  waste_time_of_bad([this](const Event&, Transaction& tx) { tx.query(endless()); });
  expect_only_bad_timed_out();
  EXPECT_THAT(error_text(), AllOf(HasSubstr("longer than its 50ms"), HasSubstr("when the")));
}

TEST_P(HandlerTimeoutContract, SwallowingTheErrorChangesNothing) {
  limit(kShort);
  waste_time_of_bad([this](const Event&, Transaction& tx) {
    try {
      tx.query(endless());
    } catch (const HandlerTimeout&) {
    }
  });
  expect_only_bad_timed_out();
}

TEST_P(HandlerTimeoutContract, WrappingItIntoARejectionChangesNothing) {
  limit(kShort);
  waste_time_of_bad([this](const Event&, Transaction& tx) {
    try {
      tx.query(endless());
    } catch (const std::exception& e) {
      throw PermanentError("the database says no");
    }
  });
  expect_only_bad_timed_out();
}

TEST_P(HandlerTimeoutContract, ComingBackLateByItselfIsATimeout) {
  limit(kShort);
  waste_time_of_bad([](const Event&, Transaction&) { std::this_thread::sleep_for(3 * kShort); });
  expect_only_bad_timed_out();
  EXPECT_THAT(error_text(), HasSubstr("longer than its 50ms"));
}

TEST_P(HandlerTimeoutContract, ThrowingLateIsATimeoutAndTellsWhatWasThrown) {
  limit(kShort);
  waste_time_of_bad([](const Event&, Transaction&) {
    std::this_thread::sleep_for(3 * kShort);
    throw std::runtime_error("the shop's API did not answer");
  });
  expect_only_bad_timed_out();
  EXPECT_THAT(error_text(), HasSubstr("the shop's API did not answer"));
}

TEST_P(HandlerTimeoutContract, WhoComesBackInTimeIsApplied) {
  limit(kLong);
  waste_time_of_bad([](const Event&, Transaction& tx) { tx.query("SELECT 1"); });
  EXPECT_THAT(effects(), ElementsAre("before", "bad", "after"));
}

TEST_P(HandlerTimeoutContract, WithoutALimitNobodyIsLate) {
  options.dispatch.max_transaction_time = milliseconds{1};
  waste_time_of_bad([](const Event&, Transaction&) { std::this_thread::sleep_for(kShort); });
  EXPECT_THAT(effects(), ElementsAre("before", "bad", "after"));
  EXPECT_THAT(dead_reasons(), IsEmpty());
}

TEST_P(HandlerTimeoutContract, OfASecondTryInTimeNothingIsLeftOver) {
  limit(kShort);
  waste_time_of_bad([this](const Event&, Transaction& tx) {
    if (attempts_of_bad == 1) tx.query(endless());
  });
  EXPECT_THAT(effects(), ElementsAre("before", "bad", "after"));
  EXPECT_EQ(observer.notices<notice::RetryScheduled>().at(0).failure.reason, "timeout");
}

TEST_P(HandlerTimeoutContract, AStatementPastTheDriverIsBoundedToo) {
  limit(milliseconds{200});
  const auto began = std::chrono::steady_clock::now();
  waste_time_of_bad([this](const Event&, Transaction& tx) {
    if (is_sqlite())
      sqlite::native(tx).execAndGet(endless());
    else
      postgres::native(tx).exec("SELECT pg_sleep(20)");
  });
  expect_only_bad_timed_out();
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds{15});
}

TEST_P(HandlerTimeoutContract, TheTransactionGoesOnWithoutALimit) {
  HandlerClock clock;
  const auto tx = database().begin();
  tx->query("SELECT 1");
  {
    clock.start({"h", nullptr}, kShort);
    const HandlerScope scope(*tx, {}, &clock);
    tx->execute(sql("INSERT INTO {kinbox}.effects (event_id, key) VALUES ('e', 'k')"));
  }
  std::this_thread::sleep_for(2 * kShort);
  tx->query(is_sqlite() ? "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT "
                          "100000) SELECT count(*) FROM c"
                        : "SELECT pg_sleep(0.1)");
  tx->commit();
  EXPECT_THAT(effects(), ElementsAre("e"));
}

/// Where statements are on their way while the next handler runs, and a server is asked to cancel.
class CancelledStatement : public HandlerTimeoutContract {
 protected:
  std::string setting(OpenTransaction& tx, const std::string& name) {
    return tx.query("SELECT current_setting('" + name + "')")[0].get<std::string>(0);
  }
};
KINBOX_FOR_POSTGRES(CancelledStatement);

TEST_P(CancelledStatement, OfAnEarlierEventIsNotTheLaterHandlersDelay) {
  limit(milliseconds{150});
  handle = [this](const Event& event, Transaction& tx) {
    insert_effect(event, tx);
    if (event.id() == "slow") tx.execute("SELECT pg_sleep(0.5)");
    if (event.id() == "asks") tx.query("SELECT 1");
  };
  for (const auto* id : {"slow", "asks"}) send(p0, id);
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("slow", "asks"));
  EXPECT_THAT(observer.notices<notice::RetryScheduled>(), IsEmpty());
}

TEST_P(CancelledStatement, WhatAnEarlierEventTookBesideTheLaterOnesIsNotTheLaterHandlersTime) {
  limit(milliseconds{2'000});
  handle = [this](const Event& event, Transaction& tx) {
    insert_effect(event, tx);
    if (event.id() == "slow") tx.execute("SELECT pg_sleep(1.2)");
    if (event.id() != "asks") return;
    tx.query("SELECT 1");  // travels with what the other left to be sent
    tx.query("SELECT pg_sleep(1.2)");
  };
  for (const auto* id : {"slow", "asks"}) send(p0, id);
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("slow", "asks"));
  EXPECT_THAT(observer.notices<notice::RetryScheduled>(), IsEmpty());
}

TEST_P(CancelledStatement, OfALockIsCancelledAndItsOwnerGoesOn) {
  limit(kShort);
  send(p1, "row");
  run_until_idle({p1});
  const auto blocker = database().begin();
  blocker->query(sql("SELECT * FROM {kinbox}.effects WHERE event_id = 'row' FOR UPDATE"));
  options.dispatch.on_error.retry.max_attempts = 1;
  handle = [this](const Event&, Transaction& tx) {
    tx.query(sql("SELECT * FROM {kinbox}.effects WHERE event_id = 'row' FOR UPDATE"));
  };
  send(p0, "bad");
  member({p0}).worker->run({.idle = true}, std::chrono::seconds{10});
  blocker->commit();
  EXPECT_THAT(dead_reasons(), ElementsAre("timeout"));
}

TEST_P(CancelledStatement, EndsWithItsConnection) {
  HandlerClock clock;
  const auto session = [&] { return database().session(); };
  {
    const auto tx = database().begin();
    clock.start({"h", nullptr}, kShort);
    const HandlerScope scope(*tx, {}, &clock);
    EXPECT_THROW(tx->query("SELECT pg_sleep(600)"), HandlerTimeout);
    EXPECT_THROW(tx->query("SELECT 1"), HandlerTimeout) << "it is doomed";
  }
  const auto before = session();
  database().begin()->query("SELECT 1");
  EXPECT_NE(session(), before) << "whatever becomes of the cancel, it finds no other statement";
  EXPECT_EQ(number("SELECT count(*) FROM pg_stat_activity WHERE pid = " + before +
                   " AND state = 'active'"),
            0);
}

TEST_P(CancelledStatement, OfLibpqxxLeavesTheTimeoutsOfTheOthersAlone) {
  HandlerClock clock;
  const auto tx = database().begin();
  const auto usual = setting(*tx, "statement_timeout");
  {
    clock.start({"h", nullptr}, std::chrono::seconds{2});
    const HandlerScope scope(*tx, {}, &clock);
    auto& native = postgres::native(*tx);
    EXPECT_LE(native.exec("SELECT setting::int FROM pg_settings WHERE name = 'statement_timeout'")
                  .at(0)
                  .at(0)
                  .as<int>(),
              2'000);
  }
  EXPECT_EQ(setting(*tx, "statement_timeout"), usual);
}

}  // namespace
}  // namespace kinbox::testing
