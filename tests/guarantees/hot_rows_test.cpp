// SQLite has one writer: what concerns two runs on PostgreSQL only.
// Handlers of two workers that update the same rows.
#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "kinbox/errors.hpp"
#include "kinbox/postgres/database.hpp"
#include "support/eventually.hpp"
#include "support/pipeline.hpp"
#include "support/services.hpp"

namespace kinbox::testing {
namespace {

using ::testing::ElementsAre;

class HotRows : public Pipeline {
 protected:
  /// Whether a batch of another worker could run now.
  bool others_may_run() {
    const auto other = home().connect();
    const auto tx = other->begin();
    const auto rows = tx->query("SELECT pg_try_advisory_xact_lock_shared(hashtextextended($1, 0))",
                                "kinbox " + other->dialect().schema() + " orders");
    return rows[0].get<bool>(0);
  }

  FaultPlan deadlocks(int times) {
    return [this, left = std::make_shared<int>(times)](FaultPoint point) {
      if (point != FaultPoint::kStatement || !handling || (*left)-- <= 0) return;
      handling = false;
      throw DeadlockError("deadlock detected");
    };
  }

  bool handling = false;
};
KINBOX_FOR_ALL_DATABASES(HotRows);

TEST_P(HotRows, ADeadlockRunsTheBatchAgainAtOnceAndAlone) {
  std::vector<bool> others;
  handle = [&](const Event& event, Transaction& tx) {
    handling = true;
    insert_effect(event, tx);
    handling = false;
    tx.query("SELECT 1");
    if (!is_sqlite()) others.push_back(others_may_run());
  };
  send(p0, "e-1");
  run_until_idle({p0}, deadlocks(1));
  EXPECT_THAT(effects(), ElementsAre("e-1"));
  EXPECT_TRUE(observer.notices<notice::Unavailable>().empty());
  EXPECT_TRUE(observer.notices<notice::RetryScheduled>().empty());
  if (!is_sqlite()) {
    EXPECT_THAT(others, ElementsAre(false));
  }
}

TEST_P(HotRows, DeadlocksThatDoNotEndAreWaitedOutAndNobodysFault) {
  handle = [&](const Event& event, Transaction& tx) {
    handling = true;
    insert_effect(event, tx);
    handling = false;
  };
  send(p0, "e-1");
  // Three attempts at once; the second time it begins alone.
  run_until_idle({p0}, deadlocks(6));
  EXPECT_THAT(effects(), ElementsAre("e-1"));
  EXPECT_EQ(observer.notices<notice::Unavailable>().size(), 2U);
  EXPECT_TRUE(observer.notices<notice::RetryScheduled>().empty());
}

class HotRowsOfTwoWorkers : public HotRows {
 protected:
  /// A worker whose sessions have `settings` of libpq.
  std::unique_ptr<Worker> member_with(const std::string& settings,
                                      const TopicPartition& partition) {
    postgres::Options with;
    with.uri = PostgresService::get().uri() + settings;
    with.schema = home().place();
    auto source = log.member();
    source->assign({partition});
    return std::make_unique<Worker>(spec(), options, std::move(source), postgres::factory(with)(),
                                    observer);
  }

  /// Two workers' handlers lock the same fifty rows, one from the first, one from the last.
  void meet_in_opposite_order(const std::string& settings);
};
KINBOX_FOR_POSTGRES(HotRowsOfTwoWorkers);

TEST_P(HotRowsOfTwoWorkers, WithoutADeadlockOthersMayRunBeside) {
  std::vector<bool> others;
  handle = [&](const Event& event, Transaction& tx) {
    insert_effect(event, tx);
    tx.query("SELECT 1");
    others.push_back(others_may_run());
  };
  send(p0, "e-1");
  run_until_idle({p0});
  EXPECT_THAT(others, ElementsAre(true));
}

// A batch of another worker would be over by now: it is somebody else's lock, and the other workers
// need not wait with us.
TEST_P(HotRowsOfTwoWorkers, SomebodyElsesLockIsWaitedForBesideTheOthers) {
  const auto locked = sql("UPDATE {kinbox}.counters SET n = n + 1");
  script(
      sql("CREATE TABLE {kinbox}.counters (n bigint); INSERT INTO {kinbox}.counters VALUES (0)"));
  std::atomic<int> attempts{0};
  handle = [&](const Event& event, Transaction& tx) {
    ++attempts;
    insert_effect(event, tx);
    tx.execute(locked);
  };
  const auto stranger = home().connect();
  auto holding = stranger->begin();
  holding->execute(locked);
  holding->flush();
  send(p0, "e-1");
  auto first = member({p0});
  std::thread worker([&] {
    first.worker->run(Worker::Until{.idle = true, .records = {}}, std::chrono::seconds{5});
  });
  EXPECT_TRUE(eventually([&] { return attempts == 3 && home().waiting() == 1; }));
  EXPECT_TRUE(others_may_run());
  holding->rollback();
  worker.join();
  EXPECT_THAT(effects(), ElementsAre("e-1"));
  EXPECT_EQ(attempts, 3);
  EXPECT_TRUE(observer.notices<notice::RetryScheduled>().empty());
  EXPECT_TRUE(observer.notices<notice::Unavailable>().empty());
}

// With a server that never looks for deadlocks.
TEST_P(HotRowsOfTwoWorkers, WhoMeetInOppositeOrderDoNotWaitForTheServerToNotice) {
  meet_in_opposite_order("?options=-c%20deadlock_timeout%3D10min");
  EXPECT_TRUE(observer.notices<notice::RetryScheduled>().empty());
}

TEST_P(HotRowsOfTwoWorkers, WhoMeetInOppositeOrderBothGetOn) { meet_in_opposite_order(""); }

void HotRowsOfTwoWorkers::meet_in_opposite_order(const std::string& settings) {
  constexpr int kEvents = 40;
  script(
      sql("CREATE TABLE {kinbox}.balances (id bigint PRIMARY KEY, cents bigint NOT NULL);"
          "INSERT INTO {kinbox}.balances SELECT n, 0 FROM generate_series(1, 50) AS n"));
  options.dispatch.max_batch = 20;
  handle = [this](const Event& event, Transaction& tx) {
    const bool forwards = event.record().partition() == p0.partition;
    for (int n = 1; n <= 50; ++n)
      tx.query(sql("UPDATE {kinbox}.balances SET cents = cents + 1 WHERE id = $1 RETURNING id"),
               forwards ? n : 51 - n);
  };
  for (int n = 0; n < kEvents; ++n) {
    send(p0, "forwards-" + std::to_string(n));
    send(p1, "backwards-" + std::to_string(n));
  }
  auto first = member_with(settings, p0);
  auto second = member_with(settings, p1);
  std::thread other(
      [&] { second->run(Worker::Until{.idle = true, .records = {}}, std::chrono::seconds{5}); });
  first->run(Worker::Until{.idle = true, .records = {}}, std::chrono::seconds{5});
  other.join();
  EXPECT_EQ(number(sql("SELECT min(cents) FROM {kinbox}.balances")), 2 * kEvents);
  EXPECT_EQ(number(sql("SELECT max(cents) FROM {kinbox}.balances")), 2 * kEvents);
}

}  // namespace
}  // namespace kinbox::testing
