// Pruning beside others who use the same rows: what only a real server has.
#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "kinbox/inbox.hpp"
#include "kinbox/progress.hpp"
#include "kinbox/retention.hpp"
#include "support/eventually.hpp"
#include "support/test_database.hpp"

namespace kinbox::testing {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

constexpr milliseconds kWeek = hours{7 * 24};

class PostgresRetention : public DatabaseContract {
 protected:
  void prepare() override {
    DatabaseContract::prepare();
    const Progress progress("orders", "me", database().dialect());
    const auto tx = database().begin();
    for (std::int32_t number = 0; number < 2; ++number) progress.create(*tx, {"t", number}, 0);
    tx->commit();
  }

  /// Rows of events e-0 ... of partition 0, decided so many days ago; the position is behind them.
  void events(int count, int days_ago) {
    script(
        "INSERT INTO {kinbox}.processed_events (consumer, event_id, topic, partition, "
        "record_offset, event_type, verdict, fingerprint, processed_at) SELECT 'orders', 'e-' || "
        "n, "
        "'t', 0, n, 'Paid', 'applied', '\\x00', now() - interval '" +
        std::to_string(days_ago) + " days' FROM generate_series(0, " + std::to_string(count - 1) +
        ") AS n; UPDATE {kinbox}.consumer_progress SET next_offset = " + std::to_string(count) +
        ", applied = " + std::to_string(count) + " WHERE partition = 0");
  }

  std::int64_t rows() { return number("SELECT count(*) FROM {kinbox}.processed_events"); }
  static std::int64_t sum(const Pruner::Report& report) {
    std::int64_t rows = 0;
    for (const auto& of : report) rows += of.rows;
    return rows;
  }
  static PruneOptions at_once(std::size_t batch = 1000) {
    PruneOptions options;
    options.rest = 0;
    options.batch = batch;
    return options;
  }
  std::int64_t prune(Database& database, std::size_t batch = 1000) {
    return sum(Pruner(database, {.inbox = kWeek}, at_once(batch)).prune("orders"));
  }
};
KINBOX_FOR_POSTGRES(PostgresRetention);

/// A worker that is delivered the ids again and again, of another partition, and the pruner that
/// takes their rows away: whoever finds no row claims it, and from then on it is known.
TEST_P(PostgresRetention, WhatIsDeliveredAgainMeanwhileRunsOnceMoreAtMost) {
  constexpr int kEvents = 4000;
  events(kEvents, 8);
  std::atomic<bool> over{false};
  std::vector<int> ran(kEvents, 0);
  std::jthread worker([&] {
    const auto connection = connect();
    const Inbox inbox("orders", connection->dialect());
    const Progress progress("orders", "worker", connection->dialect());
    const TopicPartition partition{"t", 1};
    // Once more when all was pruned.
    for (bool last = false; !last;) {
      last = over;
      for (int begin = 0; begin < kEvents; begin += 200) {
        const auto tx = connection->begin();
        const auto claim = *progress.take(*tx, partition, connection->session());
        const auto end = claim.next_offset + 200;
        ASSERT_EQ(progress.open(*tx, partition, claim, end, "").result(),
                  Progress::Opened::kOpened);
        std::vector<std::string> ids;
        for (int i = begin; i < begin + 200; ++i) ids.push_back("e-" + std::to_string(i));
        std::vector<Inbox::Claim> claims;
        for (std::size_t i = 0; i < ids.size(); ++i)
          claims.push_back({.event_id = ids[i],
                            .event_type = "Paid",
                            .topic = "t",
                            .partition = 1,
                            .offset = claim.next_offset + static_cast<Offset>(i),
                            .verdict = Verdict::kApplied,
                            .fingerprint = Fingerprint::of(std::nullopt)});
        Tally tally;
        const auto is_new = inbox.claim(*tx, claims);
        for (std::size_t i = 0; i < is_new.size(); ++i) {
          if (is_new[i]) ++ran[static_cast<std::size_t>(begin) + i];
          is_new[i] ? ++tally.applied : ++tally.duplicates;
        }
        progress.close(*tx, partition, tally);
        tx->commit();
      }
    }
  });
  EXPECT_EQ(prune(database(), 37), kEvents);
  EXPECT_EQ(prune(database(), 37), 0) << "what ran again is young";
  over = true;
  worker.join();
  for (const auto times : ran) ASSERT_EQ(times, 1);
  EXPECT_EQ(rows(), kEvents);
}

TEST_P(PostgresRetention, ALongReaderIsNeitherDisturbedNorWaitedFor) {
  events(3000, 8);
  const auto connection = connect();
  const auto reader = connection->begin();
  // From here on it sees what there is now.
  reader->execute(connection->dialect().render(
      "DECLARE old CURSOR FOR SELECT event_id FROM {kinbox}.processed_events"));
  EXPECT_EQ(reader->query("FETCH 1 FROM old").size(), 1U);
  EXPECT_EQ(prune(database()), 3000);
  EXPECT_EQ(rows(), 0);
  EXPECT_EQ(reader->query("FETCH ALL FROM old").size(), 2999U);
}

/// What docs/retention.md explains about space.
TEST_P(PostgresRetention, TablesThatArePrunedAreVacuumedBeforeAFifthOfThemIsDead) {
  for (const auto* table : {"processed_events", "letters", "letter_states", "dead_letter_history",
                            "outbox", "email_outbox"})
    EXPECT_EQ(number("SELECT count(*) FROM pg_class WHERE oid = '{kinbox}." + std::string(table) +
                     "'::regclass AND 'autovacuum_vacuum_scale_factor=0.05' = ANY (reloptions)"),
              1)
        << table;
  EXPECT_EQ(
      number("SELECT count(*) FROM pg_class WHERE oid = '{kinbox}.processed_events'::regclass "
             "AND 'autovacuum_vacuum_insert_scale_factor=0.1' = ANY (reloptions)"),
      1);
}

/// The owner's batch is waited for before anything is deleted of its partition; then both go on.
TEST_P(PostgresRetention, ABatchUnderWayIsWaitedForAndMissesNothing) {
  events(100, 8);
  const auto owner = connect();
  const Progress progress("orders", "owner", owner->dialect());
  const TopicPartition partition{"t", 0};
  PartitionClaim claim;
  {
    const auto tx = owner->begin();
    claim = *progress.take(*tx, partition, owner->session());
    tx->commit();
  }
  auto batch = owner->begin();
  ASSERT_EQ(progress.open(*batch, partition, claim, 101, "").result(), Progress::Opened::kOpened);
  std::int64_t deleted = 0;
  std::jthread pruner([&] {
    const auto connection = connect();
    deleted = prune(*connection);
  });
  EXPECT_TRUE(eventually([&] { return home().waiting() == 1; }));
  EXPECT_EQ(rows(), 100);
  progress.close(*batch, partition, {.gaps = 1});
  batch->commit();
  batch.reset();
  pruner.join();
  EXPECT_EQ(deleted, 100);
  claim.next_offset = 101;
  const auto next = owner->begin();
  EXPECT_EQ(progress.open(*next, partition, claim, 102, "").result(), Progress::Opened::kOpened)
      << "the floor is none of what the owner compares";
}

/// As the table is after years: what is old lies in its middle.
TEST_P(PostgresRetention, GoesOnWhereTheOldestRowsWereLastTime) {
  events(60'000, 1);
  script(
      "UPDATE {kinbox}.processed_events SET processed_at = now() - interval '8 days' "
      "WHERE record_offset >= 40000 AND record_offset < 41000");
  auto options = at_once();
  options.go_on = true;
  const auto prune_on = [&] {
    return sum(Pruner(database(), {.inbox = kWeek}, options).prune("orders"));
  };
  const auto place = [&] {
    return number("SELECT next_block FROM {kinbox}.prunings WHERE scope = 'orders'");
  };
  EXPECT_EQ(prune_on(), 1000);
  const auto first = place();
  EXPECT_GT(first, 0);
  script(
      "UPDATE {kinbox}.processed_events SET processed_at = now() - interval '8 days' "
      "WHERE record_offset < 100");
  EXPECT_EQ(prune_on(), 100) << "it went all the way round";
  EXPECT_EQ(prune_on(), 0);
}

/// Else every stretch of a large table would read all of it; also when the plan is made without
/// knowing which stretch it is for, as the server does for a statement that comes often.
TEST_P(PostgresRetention, AStretchIsReadByItsBlocks) {
  if (number("SELECT current_setting('server_version_num')::bigint") < 140000)
    GTEST_SKIP() << "the server cannot read a table from block to block";
  events(20'000, 8);
  script("ANALYZE {kinbox}.processed_events");
  const auto tx = database().begin();
  tx->execute("SET LOCAL plan_cache_mode = force_generic_plan");
  tx->execute(database().dialect().render(
      "PREPARE stretch (text, bigint, text, text) AS SELECT ctid::text AS place, topic, partition, "
      "record_offset FROM {kinbox}.processed_events WHERE ctid >= $3::tid AND ctid < $4::tid AND "
      "consumer = $1 AND verdict IN ('applied', 'skipped') AND processed_at < "
      "to_timestamp($2::bigint / 1000.0)"));
  std::string plan;
  for (const auto row : tx->query("EXPLAIN EXECUTE stretch ('orders', 1000, '(0,0)', '(512,0)')"))
    plan += row.get<std::string>(0) + '\n';
  EXPECT_THAT(plan, ::testing::HasSubstr("Tid Range Scan")) << plan;
}

}  // namespace
}  // namespace kinbox::testing
