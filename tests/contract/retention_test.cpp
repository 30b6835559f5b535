#include "kinbox/retention.hpp"

#include <gmock/gmock.h>

#include <thread>

#include "core/retention/pruning_lease.hpp"
#include "kinbox/errors.hpp"
#include "support/eventually.hpp"
#include "support/letters.hpp"
#include "support/test_database.hpp"

namespace kinbox::testing {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr milliseconds kWeek = hours{7 * 24};

class RetentionContract : public DatabaseContract {
 protected:
  void prepare() override {
    DatabaseContract::prepare();
    script("INSERT INTO {kinbox}.consumers (name, group_id) VALUES ('orders', 'g')");
    partition(0, 100);
  }

  void partition(int number, Offset next_offset, const std::string& consumer = "orders") {
    script(
        "INSERT INTO {kinbox}.consumer_progress (consumer, topic, partition, first_offset, "
        "next_offset, applied) VALUES ('" +
        consumer + "', 't', " + std::to_string(number) + ", 0, " + std::to_string(next_offset) +
        ", " + std::to_string(next_offset) + ")");
  }

  /// A moment so many hours ago, as a literal.
  std::string ago(int hours_ago) {
    return is_sqlite()
               ? "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-" + std::to_string(hours_ago) + " hours')"
               : "now() - interval '" + std::to_string(hours_ago) + " hours'";
  }

  void event(const std::string& id, Offset offset, int days_ago,
             const std::string& verdict = "applied", int partition = 0,
             const std::string& consumer = "orders") {
    script(
        "INSERT INTO {kinbox}.processed_events (consumer, event_id, topic, partition, "
        "record_offset, event_type, verdict, fingerprint, processed_at) VALUES ('" +
        consumer + "', '" + id + "', 't', " + std::to_string(partition) + ", " +
        std::to_string(offset) + ", 'Paid', '" + verdict + "', " +
        (is_sqlite() ? "x'00'" : "'\\x00'") + ", " + ago(days_ago * 24) + ")");
  }

  /// `count` applied events of a partition, at offsets from `begin` on.
  void events(Offset begin, int count, int days_ago, int partition = 0) {
    const std::string numbers =
        is_sqlite()
            ? "(WITH RECURSIVE s (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < " +
                  std::to_string(count - 1) + ") SELECT n FROM s)"
            : "(SELECT generate_series(0, " + std::to_string(count - 1) + ") AS n)";
    script(
        "INSERT INTO {kinbox}.processed_events (consumer, event_id, topic, partition, "
        "record_offset, event_type, verdict, fingerprint, processed_at) SELECT 'orders', 'e-" +
        std::to_string(partition) + "-' || (n + " + std::to_string(begin) + "), 't', " +
        std::to_string(partition) + ", n + " + std::to_string(begin) + ", 'Paid', 'applied', " +
        (is_sqlite() ? "x'00'" : "'\\x00'") + ", " + ago(days_ago * 24) + " FROM " + numbers +
        " AS numbers");
  }

  /// A letter that was dealt with so long ago, and its id.
  std::int64_t letter(Offset offset, const std::string& state, int days_ago) {
    const auto tx = database().begin();
    const auto id = tx->query(sql(
        "INSERT INTO {kinbox}.letters (consumer, event_id, topic, partition, "
        "record_offset, fingerprint, reason, dead_at) VALUES ('orders', 'd-" +
        std::to_string(offset) + "', 't', 0, " + std::to_string(offset) + ", " +
        (is_sqlite() ? "x'00'" : "'\\x00'") + ", 'r', " + ago(days_ago * 24) + ") RETURNING id"))[0]
                        .get<std::int64_t>(0);
    if (state != "resolved") tx->execute(sql(letters_are(state)));
    tx->execute(sql("INSERT INTO {kinbox}.dead_letter_history (dead_letter_id, what, at) "
                    "VALUES ($1, 'requested', " +
                    ago(days_ago * 24) + ")"),
                id);
    tx->commit();
    return id;
  }

  void outbox(std::optional<std::int64_t> of_letter, const std::string& state, int days_ago) {
    script(
        "INSERT INTO {kinbox}.outbox (lane, message_id, topic, dead_letter_id, state, "
        "created_at) VALUES (0, 'm', 't', " +
        (of_letter ? std::to_string(*of_letter) : "NULL") + ", '" + state + "', " +
        ago(days_ago * 24) + ")");
  }

  std::string sql(const std::string& text) { return database().dialect().render(text); }
  std::vector<std::string> texts(const std::string& query) {
    std::vector<std::string> found;
    for (const auto row : database().begin()->query(sql(query)))
      found.push_back(row.get<std::string>(0));
    return found;
  }
  std::vector<std::string> inbox() {
    return texts("SELECT event_id FROM {kinbox}.processed_events ORDER BY event_id");
  }
  std::vector<std::string> letters() {
    return texts("SELECT event_id FROM {kinbox}.dead_letters ORDER BY event_id");
  }
  std::int64_t rows() { return number("SELECT count(*) FROM {kinbox}.processed_events"); }
  Offset floor(int partition = 0) {
    return number(
        "SELECT dedup_floor FROM {kinbox}.consumer_progress WHERE consumer = 'orders' "
        "AND partition = " +
        std::to_string(partition));
  }

  static PruneOptions at_once(PruneOptions options = {}) {
    options.rest = 0;
    return options;
  }
  Pruner::Report prune(const RetentionWindows& windows, const PruneOptions& options = {}) {
    return Pruner(database(), windows, at_once(options)).prune("orders");
  }
  Pruner::Report prune_shared(const RetentionWindows& windows) {
    return Pruner(database(), windows, at_once()).prune_shared();
  }
  static std::int64_t sum(const Pruner::Report& report) {
    std::int64_t rows = 0;
    for (const auto& of : report) rows += of.rows;
    return rows;
  }
};
KINBOX_FOR_ALL_DATABASES(RetentionContract);

TEST_P(RetentionContract, EventsOlderThanTheWindowGoAndTheFloorSaysHowFar) {
  event("old", 3, 8);
  event("skipped", 5, 8, "skipped");
  event("young", 7, 6);
  const auto report = prune({.inbox = kWeek});
  EXPECT_THAT(inbox(), ElementsAre("young"));
  EXPECT_EQ(floor(), 6);
  ASSERT_EQ(report.size(), 1U);
  EXPECT_EQ(report[0].what, "inbox");
  EXPECT_EQ(report[0].partition, (TopicPartition{"t", 0}));
  EXPECT_EQ(report[0].rows, 2);
  EXPECT_EQ(report[0].floor, 6);
}

TEST_P(RetentionContract, WhatIsParkedOrDeadStays) {
  event("parked", 1, 400, "parked");
  event("dead", 2, 400, "dead");
  event("applied", 3, 400);
  prune({.inbox = kWeek});
  EXPECT_THAT(inbox(), ElementsAre("dead", "parked"));
  EXPECT_EQ(floor(), 4);
}

TEST_P(RetentionContract, WhatIsYetToBeDeliveredIsStillKnown) {
  partition(1, 10);
  event("below", 9, 8, "applied", 1);
  event("at", 10, 8, "applied", 1);
  event("above", 11, 8, "applied", 1);
  event("nowhere", 0, 8, "applied", 2);
  prune({.inbox = kWeek});
  EXPECT_THAT(inbox(), ElementsAre("above", "at", "nowhere"));
  EXPECT_EQ(floor(1), 10);
}

TEST_P(RetentionContract, EachPartitionHasItsFloorAndOtherConsumersTheirs) {
  partition(1, 100);
  partition(2, 100);
  partition(0, 100, "mail");
  event("a", 10, 8);
  event("b", 20, 8, "applied", 1);
  event("c", 30, 8, "applied", 0, "mail");
  prune({.inbox = kWeek});
  EXPECT_THAT(inbox(), ElementsAre("c"));
  EXPECT_EQ(floor(0), 11);
  EXPECT_EQ(floor(1), 21);
  EXPECT_EQ(floor(2), 0);
  EXPECT_EQ(number("SELECT dedup_floor FROM {kinbox}.consumer_progress WHERE consumer = 'mail'"),
            0);
}

TEST_P(RetentionContract, AFloorNeverFalls) {
  script("UPDATE {kinbox}.consumer_progress SET dedup_floor = 50");
  event("replayed", 3, 8);
  prune({.inbox = kWeek});
  EXPECT_THAT(inbox(), IsEmpty());
  EXPECT_EQ(floor(), 50);
}

TEST_P(RetentionContract, WhatTheOwnerComparesStaysAsItIs) {
  const auto own = [&] {
    return texts(
        "SELECT epoch || owner || control_version || next_offset || updated_at "
        "FROM {kinbox}.consumer_progress");
  };
  const auto before = own();
  event("old", 3, 8);
  prune({.inbox = kWeek});
  EXPECT_EQ(floor(), 4);
  EXPECT_EQ(own(), before);
}

TEST_P(RetentionContract, ManyRowsGoInSmallTransactionsEachOfWhichIsWhole) {
  script("UPDATE {kinbox}.consumer_progress SET next_offset = 5000, applied = 5000");
  events(0, 5000, 8);
  PruneOptions options;
  options.batch = 700;
  int transactions = 0;
  options.on_rows = [&](OpenTransaction& tx, std::int64_t deleted) {
    EXPECT_LE(deleted, 700);
    ++transactions;
    EXPECT_EQ(tx.query(sql("SELECT count(*) FROM {kinbox}.processed_events AS e "
                           "WHERE record_offset >= (SELECT dedup_floor FROM "
                           "{kinbox}.consumer_progress)"))[0]
                      .get<std::int64_t>(0) +
                  tx.query(sql("SELECT dedup_floor FROM {kinbox}.consumer_progress"))[0]
                      .get<std::int64_t>(0),
              5000)
        << "a row misses above the floor";
  };
  EXPECT_EQ(sum(prune({.inbox = kWeek}, options)), 5000);
  EXPECT_GE(transactions, 8);
  EXPECT_EQ(rows(), 0);
  EXPECT_EQ(floor(), 5000);
}

TEST_P(RetentionContract, CutShortItIsWholeAndTheNextOneGoesOn) {
  script("UPDATE {kinbox}.consumer_progress SET next_offset = 5000, applied = 5000");
  events(0, 5000, 8);
  PruneOptions options;
  options.batch = 100;
  int transactions = 0;
  struct PowerCut {};
  options.on_rows = [&](OpenTransaction&, std::int64_t) {
    if (++transactions == 3) throw PowerCut();
  };
  EXPECT_THROW(prune({.inbox = kWeek}, options), PowerCut);
  EXPECT_EQ(rows(), 4800);
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.processed_events WHERE record_offset >= " +
                   std::to_string(floor())) +
                floor(),
            5000);
  EXPECT_EQ(sum(prune({.inbox = kWeek})), 4800);
  EXPECT_EQ(rows(), 0);
}

TEST_P(RetentionContract, ToldToStopItEndsBehindTheTransactionUnderWay) {
  script("UPDATE {kinbox}.consumer_progress SET next_offset = 500, applied = 500");
  events(0, 500, 8);
  std::stop_source stop;
  PruneOptions options;
  options.batch = 100;
  // A rest that would outlast the test is cut short.
  options.rest = 1'000'000;
  options.on_rows = [&](OpenTransaction&, std::int64_t) { stop.request_stop(); };
  const auto report =
      Pruner(database(), {.inbox = kWeek}, options).prune("orders", stop.get_token());
  EXPECT_EQ(sum(report), 100);
  EXPECT_EQ(rows(), 400);
}

TEST_P(RetentionContract, SeveralAtOnceDeleteEachRowOnce) {
  script("UPDATE {kinbox}.consumer_progress SET next_offset = 3000, applied = 3000");
  events(0, 3000, 8);
  std::atomic<std::int64_t> deleted{0};
  {
    std::vector<std::jthread> pruners;
    for (int i = 0; i < 3; ++i)
      pruners.emplace_back([&] {
        const auto connection = connect();
        PruneOptions options = at_once();
        options.batch = 50;
        deleted += sum(Pruner(*connection, {.inbox = kWeek}, options).prune("orders"));
      });
  }
  EXPECT_EQ(deleted, 3000);
  EXPECT_EQ(rows(), 0);
  EXPECT_EQ(floor(), 3000);
}

TEST_P(RetentionContract, APreviewCountsTheSameAndChangesNothing) {
  event("old", 3, 8);
  event("young", 7, 6);
  event("ahead", 100, 8);
  letter(4, "resolved", 8);
  outbox({}, "sent", 8);
  const RetentionWindows windows{.inbox = kWeek, .dead_letters = kWeek, .outbox = kWeek};
  Pruner pruner(database(), windows, at_once());
  const auto preview = pruner.preview("orders");
  ASSERT_EQ(preview.size(), 2U);
  EXPECT_EQ(preview[0].rows, 1);
  EXPECT_EQ(preview[0].floor, 4);
  EXPECT_EQ(preview[1].rows, 1);
  EXPECT_EQ(sum(pruner.preview_shared()), 1);
  EXPECT_EQ(rows(), 3);
  EXPECT_EQ(floor(), 0);
  EXPECT_EQ(sum(pruner.prune("orders")), 2);
  EXPECT_EQ(sum(pruner.prune_shared()), 1);
}

TEST_P(RetentionContract, WithoutAWindowNothingGoes) {
  event("old", 3, 4000);
  letter(4, "resolved", 4000);
  outbox({}, "sent", 4000);
  EXPECT_THAT(prune({}), IsEmpty());
  EXPECT_THAT(prune_shared({}), IsEmpty());
  EXPECT_EQ(rows(), 1);
}

TEST_P(RetentionContract, NothingGoesWhileAReplayTrustsTheInbox) {
  event("old", 3, 8);
  for (const std::string state : {"running", "paused"}) {
    script(
        "DELETE FROM {kinbox}.replays; INSERT INTO {kinbox}.replays (consumer, mode, plan_hash, "
        "plan, who, state) VALUES ('orders', 'fill', 'h', '{}', 'zoe', '" +
        state + "')");
    try {
      prune({.inbox = kWeek});
      FAIL() << state;
    } catch (const RefusedError& e) {
      EXPECT_THAT(e.what(), HasSubstr("has not ended"));
    }
    EXPECT_TRUE(registered_replay(database(), "orders"));
    EXPECT_FALSE(registered_replay(database(), "mail"));
  }
  EXPECT_EQ(rows(), 1);
  prune({.inbox = kWeek}, {.beside_replay = true});
  EXPECT_EQ(rows(), 0);
}

TEST_P(RetentionContract, AReplayThatIsRegisteredMeanwhileEndsIt) {
  script("UPDATE {kinbox}.consumer_progress SET next_offset = 500, applied = 500");
  events(0, 500, 8);
  PruneOptions options;
  options.batch = 100;
  options.on_rows = [&](OpenTransaction& tx, std::int64_t) {
    tx.execute(
        sql("INSERT INTO {kinbox}.replays (consumer, mode, plan_hash, plan, who) "
            "VALUES ('orders', 'fill', 'h', '{}', 'zoe')"));
  };
  EXPECT_THROW(prune({.inbox = kWeek}, options), RefusedError);
  EXPECT_EQ(rows(), 400);
}

TEST_P(RetentionContract, LettersThatWereDealtWithGoWithTheirHistoryAndWhatWasSentOfThem) {
  outbox(letter(1, "resolved", 8), "sent", 8);
  outbox(letter(2, "discarded", 8), "discarded", 8);
  letter(3, "resolved", 6);
  for (const auto* state : {"open", "requested", "parked"})
    letter(number("SELECT count(*) FROM {kinbox}.dead_letters") + 1, state, 400);
  EXPECT_EQ(sum(prune({.dead_letters = kWeek}, {.batch = 1})), 2);
  EXPECT_THAT(letters(), ElementsAre("d-3", "d-4", "d-5", "d-6"));
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.dead_letter_history"), 4);
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.outbox"), 0);
}

TEST_P(RetentionContract, ALetterThatSomethingStillNeedsStays) {
  outbox(letter(1, "resolved", 8), "pending", 8);
  outbox(letter(2, "discarded", 8), "refused", 8);
  const auto parked = letter(3, "resolved", 8);
  script(
      "INSERT INTO {kinbox}.parked_events (consumer, event_id, topic, partition, record_offset, "
      "fingerprint, dead_letter_id) VALUES ('orders', 'p', 't', 0, 3, " +
      std::string(is_sqlite() ? "x'00'" : "'\\x00'") + ", " + std::to_string(parked) + ")");
  letter(100, "resolved", 8);
  EXPECT_EQ(sum(prune({.dead_letters = kWeek})), 0);
  EXPECT_EQ(letters().size(), 4U);
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.outbox"), 2);
}

TEST_P(RetentionContract, OutboxMailAndAuditHaveWindowsOfTheirOwn) {
  for (const auto* state : {"pending", "refused", "sent", "discarded"}) outbox({}, state, 8);
  outbox({}, "sent", 6);
  int order = 0;
  for (const auto* state : {"pending", "sending", "unknown", "failed", "sent", "discarded"})
    script(
        "INSERT INTO {kinbox}.email_outbox (order_id, email_type, revision, recipient, "
        "message_id, payload, event_id, state, updated_at) VALUES ('" +
        std::to_string(++order) + "', 't', 1, 'r', 'm', '{}', '', '" + state + "', " + ago(8 * 24) +
        ")");
  script("INSERT INTO {kinbox}.audit (at, who, action) VALUES (" + ago(8 * 24) +
         ", 'zoe', 'a'), (" + ago(6 * 24) + ", 'zoe', 'b')");
  const auto report = prune_shared({.outbox = kWeek, .mail = kWeek, .audit = kWeek});
  ASSERT_EQ(report.size(), 3U);
  EXPECT_EQ(report[0].rows, 2);
  EXPECT_EQ(report[1].rows, 2);
  EXPECT_EQ(report[2].rows, 1);
  EXPECT_THAT(texts("SELECT state FROM {kinbox}.outbox"),
              UnorderedElementsAre("pending", "refused", "sent"));
  EXPECT_THAT(texts("SELECT state FROM {kinbox}.email_outbox"),
              UnorderedElementsAre("pending", "sending", "unknown", "failed"));
  EXPECT_THAT(texts("SELECT action FROM {kinbox}.audit"), ElementsAre("b"));
}

TEST_P(RetentionContract, OfReplaysThatEndedTheLastOneStays) {
  const auto replay = [&](int generation, const std::string& state, int days_ago) {
    script(
        "INSERT INTO {kinbox}.replays (consumer, mode, plan_hash, plan, who, state, generation, "
        "ended_at) VALUES ('orders', 'fill', '" +
        std::to_string(generation) + state + "', '{}', 'zoe', '" + state + "', " +
        std::to_string(generation) + ", " + ago(days_ago * 24) + ")");
  };
  replay(1, "done", 9);
  script(
      "INSERT INTO {kinbox}.replay_progress (replay_id, topic, partition, begin_offset, "
      "next_offset, end_offset) SELECT id, 't', 0, 0, 1, 1 FROM {kinbox}.replays");
  replay(2, "cancelled", 9);
  replay(0, "done", 9);
  replay(0, "cancelled", 6);
  replay(0, "done", 8);
  EXPECT_EQ(sum(prune({.replays = kWeek})), 3);
  EXPECT_THAT(texts("SELECT plan_hash FROM {kinbox}.replays ORDER BY id"),
              ElementsAre("0cancelled", "0done"));
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.replay_progress"), 0);
}

TEST_P(RetentionContract, AnEventThatWasDecidedAnewBeginsItsWindowAnew) {
  event("old", 3, 8);
  event("retried", 4, 8, "dead");
  script("UPDATE {kinbox}.processed_events SET verdict = 'applied', processed_at = " + ago(1) +
         " WHERE event_id = 'retried'");
  prune({.inbox = kWeek});
  EXPECT_THAT(inbox(), ElementsAre("retried"));
}

TEST_P(RetentionContract, OneProcessPrunesAtATimeAndNotTooOften) {
  const PruningLease one("orders", "one", database().dialect());
  const PruningLease two("orders", "two", database().dialect());
  const PruningLease other("", "two", database().dialect());
  const auto acquire = [&](const PruningLease& lease, milliseconds every) {
    const auto tx = database().begin();
    const bool acquired = lease.acquire(*tx, every, hours{1});
    tx->commit();
    return acquired;
  };
  EXPECT_TRUE(acquire(one, milliseconds{0}));
  EXPECT_FALSE(acquire(two, milliseconds{0})) << "it is at it";
  EXPECT_TRUE(acquire(other, milliseconds{0}));
  const auto release = [&](const PruningLease& lease) {
    const auto tx = database().begin();
    lease.release(*tx);
    tx->commit();
  };
  release(two);
  EXPECT_FALSE(acquire(two, milliseconds{0})) << "it was not two's to give back";
  release(one);
  EXPECT_FALSE(acquire(two, hours{1})) << "one began a moment ago";
  EXPECT_TRUE(acquire(two, milliseconds{0}));
  script("UPDATE {kinbox}.prunings SET leased_until = " + ago(1));
  EXPECT_TRUE(acquire(one, milliseconds{0})) << "two did not come back";
  {
    const auto tx = database().begin();
    two.renew(*tx, hours{1});
    tx->commit();
  }
  EXPECT_EQ(texts("SELECT token FROM {kinbox}.prunings WHERE scope = 'orders'")[0], "one");
}

}  // namespace
}  // namespace kinbox::testing
