// Statements are handed over and answered later: the event that sent the failing one is blamed all
// the same, wherever the error surfaces.
#include <gmock/gmock.h>

#include <set>

#include "support/pipeline.hpp"

namespace kinbox::testing {
namespace {

using ::testing::ElementsAreArray;

class Blame : public Pipeline {
 protected:
  static constexpr int kEvents = 200;

  static std::string id_of(int n) { return "e-" + std::to_string(n); }

  /// Violates a constraint; whoever asks for its result is told.
  void violate(Transaction& tx) {
    tx.execute(sql("INSERT INTO {kinbox}.effects (key) VALUES ('x')"));
  }

  void run_all(const std::set<std::string>& bad) {
    std::vector<std::string> good;
    for (int n = 0; n < kEvents; ++n) {
      send(p0, id_of(n));
      if (!bad.contains(id_of(n))) good.push_back(id_of(n));
    }
    run_until_idle({p0});
    EXPECT_THAT(effects(), ElementsAreArray(good));
    EXPECT_EQ(tally(p0), (Tally{.applied = kEvents - static_cast<std::int64_t>(bad.size()),
                                .dead = static_cast<std::int64_t>(bad.size())}));
    for (const auto& id : bad) EXPECT_EQ(verdict(id), "dead") << id;
    for (const auto& retry : observer.notices<notice::RetryScheduled>())
      EXPECT_TRUE(bad.contains(retry.event_id)) << retry.event_id;
  }
};
KINBOX_FOR_ALL_DATABASES(Blame);

TEST_P(Blame, FindsTheFirstTheMiddleAndTheLastOfABatch) {
  const std::set<std::string> bad{id_of(0), id_of(kEvents / 2), id_of(kEvents - 1)};
  handle = [&](const Event& event, Transaction& tx) {
    insert_effect(event, tx);
    if (bad.contains(event.id())) violate(tx);
  };
  run_all(bad);
}

TEST_P(Blame, FindsTheEventWhicheverOfItsStatementsFails) {
  const std::set<std::string> bad{id_of(70), id_of(71)};
  handle = [&](const Event& event, Transaction& tx) {
    if (event.id() == id_of(70)) violate(tx);
    insert_effect(event, tx);
    if (event.id() == id_of(71)) violate(tx);
  };
  run_all(bad);
}

// Their inserts may have been sent as one with other events'.
TEST_P(Blame, FindsTheEventsAmongInsertsIntoSeveralTables) {
  script(sql("CREATE TABLE {kinbox}.paid (event_id text NOT NULL, cents bigint NOT NULL)"));
  const std::set<std::string> bad{id_of(0), id_of(77), id_of(120), id_of(kEvents - 1)};
  handle = [&](const Event& event, Transaction& tx) {
    tx.execute(sql("INSERT INTO {kinbox}.paid (event_id, cents) VALUES ($1, $2)"), event.id(),
               bad.contains(event.id()) ? std::nullopt : std::optional<int>(7));
    insert_effect(event, tx);
  };
  run_all(bad);
  EXPECT_EQ(number(sql("SELECT count(*) FROM {kinbox}.paid")), kEvents - 4);
}

TEST_P(Blame, DoesNotFallOnTheEventWhoseQueryMeetsTheError) {
  const std::set<std::string> bad{id_of(5)};
  handle = [&](const Event& event, Transaction& tx) {
    insert_effect(event, tx);
    if (bad.contains(event.id())) violate(tx);
    if (event.id() == id_of(9)) tx.query("SELECT 1");
  };
  run_all(bad);
}

TEST_P(Blame, DoesNotFallOnTheEventThatReadsAffectedRowsAndMeetsTheError) {
  const std::set<std::string> bad{id_of(5)};
  handle = [&](const Event& event, Transaction& tx) {
    if (bad.contains(event.id())) violate(tx);
    const auto inserted = tx.execute(
        sql("INSERT INTO {kinbox}.effects (event_id, key) VALUES ($1, 'k')"), event.id());
    if (event.id() == id_of(9)) {
      EXPECT_EQ(inserted.affected_rows(), 1);
    }
  };
  run_all(bad);
}

TEST_P(Blame, DoesNotFallOnTheEventThatSwallowsAnErrorOfAnother) {
  const std::set<std::string> bad{id_of(5)};
  handle = [&](const Event& event, Transaction& tx) {
    insert_effect(event, tx);
    if (bad.contains(event.id())) violate(tx);
    if (event.id() != id_of(9)) return;
    try {
      tx.query("SELECT 1");
    } catch (const SqlError&) {
      // It is somebody else's; swallowing it changes nothing.
    }
  };
  run_all(bad);
}

TEST_P(Blame, FindsTheEventWhenADeadLetterStandsBetween) {
  const std::set<std::string> bad{id_of(5)};
  handle = [&](const Event& event, Transaction& tx) {
    insert_effect(event, tx);
    if (bad.contains(event.id())) violate(tx);
  };
  for (int n = 0; n < 10; ++n) {
    send(p0, id_of(n));
    if (n == 7) log.append_json(p0, "no JSON");
  }
  run_until_idle({p0});
  EXPECT_EQ(tally(p0), (Tally{.applied = 9, .dead = 2}));
  EXPECT_EQ(verdict(id_of(5)), "dead");
}

TEST_P(Blame, FindsTheEventWhenADuplicateOfADeadOneStandsBetween) {
  handle = [&](const Event& event, Transaction& tx) {
    insert_effect(event, tx);
    if (event.id() == "dead" || event.id() == "bad") violate(tx);
  };
  send(p0, "dead");
  run_until_idle({p0});
  for (const auto* id : {"before", "bad", "dead", "after"}) send(p0, id);
  run_until_idle({p0});
  EXPECT_EQ(verdict("bad"), "dead");
  EXPECT_EQ(tally(p0), (Tally{.applied = 2, .duplicates = 1, .dead = 2}));
  EXPECT_EQ(texts("SELECT seen_again FROM {kinbox}.dead_letters WHERE event_id = 'dead'").at(0),
            "1");
}

}  // namespace
}  // namespace kinbox::testing
