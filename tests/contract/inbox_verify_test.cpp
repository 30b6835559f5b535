// `kinbox inbox verify`: what it finds, and what it leaves alone, on both databases.
#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>

#include "cli/inbox/recount.hpp"
#include "cli/inbox/table_checks.hpp"
#include "cli/position/position_desk.hpp"
#include "core/replay/replay_rows.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/retention.hpp"
#include "support/letters.hpp"
#include "support/pipeline.hpp"
#include "support/postgres_test_database.hpp"
#include "support/services.hpp"

namespace kinbox::testing {
namespace {

using cli::Finding;
using cli::Move;
using cli::Recount;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class InboxVerifyContract : public Pipeline {
 protected:
  void prepare() override {
    Pipeline::prepare();
    handle = [this](const Event& event, Transaction& tx) {
      if (event.id().starts_with("bad")) throw PermanentError("no");
      insert_effect(event, tx);
    };
  }

  void send_poison(std::optional<Timestamp> timestamp = {}) {
    OwnedRecord record;
    record.timestamp = timestamp;
    record.key = "k";
    record.value = "no json";
    log.append(p0, record);
  }

  /// Of everything that can become of a record.
  void consume() {
    send(p0, "e-0");
    send(p0, "e-0");
    send(p0, "bad-1");
    send_poison();
    send(p0, "e-4");
    send(p1, "e-5");
    run_until_idle({p0, p1});
    ASSERT_EQ(tally(p0), (Tally{.applied = 2, .duplicates = 1, .dead = 2}));
  }

  Recount of(const TopicPartition& partition) {
    for (auto& found : cli::recount(database()))
      if (found.partition == partition) return found;
    ADD_FAILURE() << "no such partition";
    return {};
  }

  /// A row of p0 that nobody counted.
  void write_foreign_row(const std::string& id, Offset offset) {
    script(
        sql("INSERT INTO {kinbox}.processed_events (consumer, event_id, topic, partition, "
            "record_offset, event_type, verdict, fingerprint) SELECT consumer, '" +
            id + "', topic, partition, " + std::to_string(offset) +
            ", event_type, verdict, fingerprint FROM {kinbox}.processed_events "
            "WHERE event_id = 'e-0'"));
  }

  /// One that ended, and gave `fresh` events of `partition` their first verdict.
  void add_replay(const TopicPartition& partition, int fresh) {
    const auto tx = database().begin();
    const ReplayRows rows(database().dialect());
    const auto id = rows.record(*tx, {.consumer = "orders",
                                      .choices = {},
                                      .plan_hash = "h",
                                      .plan = "{}",
                                      .who = "zoe",
                                      .audit_id = 0,
                                      .pieces = {{{partition, 0, 0}, "", false}}});
    Replayer::Progress tally;
    tally.partition = partition;
    rows.close(*tx, id, tally, fresh);
    rows.end(*tx, id, "done");
    tx->commit();
  }

  std::vector<std::string> complaints() {
    std::vector<std::string> found;
    for (const auto& check : cli::check_tables(database()))
      if (check.finding == Finding::kMismatch) found.push_back(check.name + ": " + check.note);
    return found;
  }
};
KINBOX_FOR_ALL_DATABASES(InboxVerifyContract);

TEST_P(InboxVerifyContract, WhatWasConsumedAddsUp) {
  consume();
  const auto found = of(p0);
  EXPECT_EQ(found.finding, Finding::kOk);
  EXPECT_THAT(found.notes, IsEmpty());
  EXPECT_EQ(found.applied_rows, 2);
  EXPECT_EQ(found.dead_rows, 2) << "one has no id, and no inbox row";
  EXPECT_EQ(of(p1).finding, Finding::kOk);
  EXPECT_THAT(complaints(), IsEmpty());
}

TEST_P(InboxVerifyContract, ParkedEventsAndSkippedPoisonAddUp) {
  options.dispatch.on_error = {.retry = {.max_attempts = 1}, .then = Then::kPark, .rules = {}};
  options.dispatch.older_than = std::chrono::hours{1};
  handle = [](const Event&, Transaction&) { throw RetryableError("away"); };
  send_poison(Timestamp{});
  send(p0, "e-1");
  run_until_idle({p0});
  const auto found = of(p0);
  EXPECT_EQ(found.counters, (Tally{.parked = 1, .skipped = 1}));
  EXPECT_EQ(found.parked_rows, 1);
  EXPECT_EQ(found.skipped_rows, 0);
  EXPECT_EQ(found.finding, Finding::kOk);
  EXPECT_THAT(complaints(), IsEmpty());
}

TEST_P(InboxVerifyContract, AnInboxRowThatIsGoneIsMissed) {
  consume();
  script(sql("DELETE FROM {kinbox}.processed_events WHERE event_id = 'e-4'"));
  auto found = of(p0);
  EXPECT_EQ(found.finding, Finding::kMismatch);
  EXPECT_THAT(found.notes, ElementsAre(HasSubstr("applied is 2, and 1 rows are there: events "
                                                 "without a row run again")));
  EXPECT_EQ(of(p1).finding, Finding::kOk);

  script(sql("UPDATE {kinbox}.consumer_progress SET dedup_floor = 5"));
  EXPECT_EQ(of(p0).finding, Finding::kMismatch) << "a floor alone says nothing of what was pruned";
  script(sql("UPDATE {kinbox}.consumer_progress SET pruned_below = 1"));
  EXPECT_EQ(of(p0).finding, Finding::kMismatch) << "below that offset every row is there";
  script(sql("UPDATE {kinbox}.consumer_progress SET pruned_below = 5 WHERE partition = 0"));
  found = of(p0);
  EXPECT_EQ(found.finding, Finding::kUnknown);
  EXPECT_THAT(found.notes, ElementsAre(HasSubstr("(3 at most were pruned)")));
}

TEST_P(InboxVerifyContract, WhatThePrunerDeletedIsNotMissed) {
  consume();
  Pruner(database(), {.inbox = std::chrono::milliseconds{0}}).prune("orders");
  for (const auto& partition : {p0, p1}) {
    const auto found = of(partition);
    EXPECT_EQ(found.applied_rows, 0);
    EXPECT_EQ(found.finding, Finding::kUnknown);
  }
  script(
      sql("UPDATE {kinbox}.consumer_progress SET applied = applied + 9, next_offset = "
          "next_offset + 9 WHERE partition = 1"));
  EXPECT_EQ(of(p1).finding, Finding::kMismatch) << "one row was pruned, and ten are missing";
}

TEST_P(InboxVerifyContract, WhatIsPrunedBelowAPositionThatWasSetForwardsIsNotMissedEither) {
  consume();
  const Move forth{p0, 5, 50};
  cli::PositionDesk(database(), "orders")
      .set({&forth, 1}, {.who = "zoe", .action = "position set"});
  ASSERT_EQ(of(p0).finding, Finding::kOk);
  Pruner(database(), {.inbox = std::chrono::milliseconds{0}}).prune("orders");
  EXPECT_EQ(of(p0).applied_rows, 0);
  EXPECT_EQ(of(p0).finding, Finding::kUnknown);
}

TEST_P(InboxVerifyContract, RowsThatNobodyCountedAreSeen) {
  consume();
  script(
      sql("INSERT INTO {kinbox}.processed_events (consumer, event_id, topic, partition, "
          "record_offset, event_type, verdict, fingerprint) SELECT consumer, 'foreign', topic, "
          "partition, 1, event_type, verdict, fingerprint FROM {kinbox}.processed_events "
          "WHERE event_id = 'e-0'"));
  EXPECT_THAT(of(p0).notes, ElementsAre(HasSubstr("applied is 2, and 3 rows are there")));
  script(sql("UPDATE {kinbox}.processed_events SET record_offset = 99 WHERE event_id = 'foreign'"));
  const auto outside = of(p0);
  EXPECT_EQ(outside.finding, Finding::kMismatch);
  EXPECT_THAT(
      outside.notes,
      ElementsAre(HasSubstr("applied is 2, and 3 rows are there"),
                  HasSubstr("1 inbox rows are of records that the position never reached")));
  for (const auto* action : {"position set", "position import", "position accept-gap"})
    script(sql("INSERT INTO {kinbox}.audit (who, action, consumer) VALUES ('zoe', '" +
               std::string(action) + "', 'orders')"));
  EXPECT_EQ(of(p0).finding, Finding::kMismatch) << "that a person did something explains nothing";
}

TEST_P(InboxVerifyContract, AReplayExplainsWhatItBroughtInItsPartitionAndNoMore) {
  consume();
  write_foreign_row("foreign", 1);
  add_replay(p1, 10);
  EXPECT_EQ(of(p0).finding, Finding::kMismatch) << "the replay was of another partition";
  add_replay(p0, 0);
  EXPECT_EQ(of(p0).finding, Finding::kMismatch) << "all of its events had their verdicts";
  add_replay(p0, 1);
  const auto explained = of(p0);
  EXPECT_EQ(explained.finding, Finding::kUnknown);
  EXPECT_THAT(explained.notes, ElementsAre(HasSubstr("replays and imports brought 1 at most")));
  write_foreign_row("another", 1);
  EXPECT_EQ(of(p0).finding, Finding::kMismatch) << "it brought one";
  script(sql("DELETE FROM {kinbox}.processed_events WHERE partition = 0"));
  EXPECT_EQ(of(p0).finding, Finding::kMismatch) << "and takes none away";
}

TEST_P(InboxVerifyContract, APositionThatWasSetLosesSightOfNoRow) {
  consume();
  const Move back{p0, 5, 2};
  cli::PositionDesk desk(database(), "orders");
  desk.set({&back, 1}, {.who = "zoe", .action = "position set"});
  EXPECT_EQ(of(p0).finding, Finding::kOk) << "e-4 lies where the position has been";
  write_foreign_row("foreign", 5);
  EXPECT_THAT(of(p0).notes, ElementsAre(HasSubstr("applied is 2, and 3 rows are there"),
                                        HasSubstr("the position never reached")));
  script(sql("DELETE FROM {kinbox}.processed_events WHERE event_id = 'foreign'"));
  script(sql("DELETE FROM {kinbox}.processed_events WHERE event_id = 'e-4'"));
  EXPECT_EQ(of(p0).finding, Finding::kMismatch) << "the row is gone, wherever the position is";
  const Move forth{p0, 2, 9};
  desk.set({&forth, 1}, {.who = "zoe", .action = "position set"});
  EXPECT_THAT(of(p0).notes, ElementsAre(HasSubstr("applied is 2, and 1 rows are there")));
}

TEST_P(InboxVerifyContract, PoisonThatIsReadAgainCountsTwiceAndHasOneLetter) {
  consume();
  const Move back{p0, 5, 2};
  cli::PositionDesk(database(), "orders").set({&back, 1}, {.who = "zoe", .action = "position set"});
  run_until_idle({p0});
  ASSERT_EQ(tally(p0), (Tally{.applied = 2, .duplicates = 3, .dead = 3}));
  const auto found = of(p0);
  EXPECT_EQ(found.finding, Finding::kUnknown);
  EXPECT_THAT(found.notes, ElementsAre(HasSubstr("dead is 3, and 2 rows are there")));
}

TEST_P(InboxVerifyContract, AGapThatWasAcceptedExplainsNothing) {
  consume();
  const Move over{p0, 5, 50};
  cli::PositionDesk(database(), "orders")
      .pass_over({&over, 1}, {.who = "zoe", .action = "position accept-gap"});
  EXPECT_EQ(of(p0).finding, Finding::kOk);
  script(sql("DELETE FROM {kinbox}.processed_events WHERE event_id = 'e-4'"));
  EXPECT_EQ(of(p0).finding, Finding::kMismatch);
}

TEST_P(InboxVerifyContract, WhatAnImportBroughtCountsForNoOffset) {
  consume();
  script(
      sql("INSERT INTO {kinbox}.processed_events (consumer, event_id, topic, partition, "
          "record_offset, event_type, verdict, fingerprint) SELECT consumer, 'imported', topic, "
          "partition, 99, event_type, 'dead', fingerprint FROM {kinbox}.processed_events "
          "WHERE event_id = 'e-0';"
          "INSERT INTO {kinbox}.letters (consumer, event_id, topic, partition, "
          "record_offset, fingerprint, reason, imported) SELECT consumer, event_id, topic, "
          "partition, record_offset, fingerprint, 'imported', TRUE "
          "FROM {kinbox}.processed_events WHERE event_id = 'imported';" +
          letters_are("open")));
  const auto found = of(p0);
  EXPECT_EQ(found.finding, Finding::kOk);
  EXPECT_EQ(found.imported, 1);
  EXPECT_EQ(found.dead_rows, 2);
  EXPECT_THAT(complaints(), IsEmpty());
  script(
      sql("UPDATE {kinbox}.processed_events SET verdict = 'applied' WHERE event_id = 'imported';"
          "DELETE FROM {kinbox}.letter_states WHERE record_offset = 99;"
          "UPDATE {kinbox}.letters SET record_offset = 4 WHERE event_id = 'imported'"));
  EXPECT_EQ(of(p0).finding, Finding::kUnknown);
  Pruner(database(), {.dead_letters = std::chrono::milliseconds{0}}).prune("orders");
  ASSERT_EQ(of(p0).imported, 0);
  EXPECT_EQ(of(p0).finding, Finding::kUnknown) << "that the letter was there is remembered";
  write_foreign_row("foreign", 1);
  EXPECT_EQ(of(p0).finding, Finding::kMismatch);
}

TEST_P(InboxVerifyContract, ALetterOrAQueueThatIsGoneIsMissed) {
  consume();
  script(
      sql("UPDATE {kinbox}.outbox SET dead_letter_id = NULL, state = 'sent';"
          "DELETE FROM {kinbox}.letters WHERE event_id IS NULL"));
  EXPECT_THAT(of(p0).notes, ElementsAre(HasSubstr("dead is 2, and 1 rows are there")));
  script(sql("UPDATE {kinbox}.processed_events SET verdict = 'parked' WHERE event_id = 'e-4'"));
  EXPECT_THAT(complaints(),
              ElementsAre(HasSubstr("1 are in none, and wait for ever, such as e-4")));
}

TEST_P(InboxVerifyContract, LettersAndQueuesWithoutInboxRowsAreNamed) {
  consume();
  script(
      sql("DELETE FROM {kinbox}.processed_events WHERE event_id = 'bad-1';"
          "INSERT INTO {kinbox}.parked_events (consumer, event_id, topic, partition, "
          "record_offset, fingerprint) SELECT consumer, 'e-9', topic, partition, 9, fingerprint "
          "FROM {kinbox}.processed_events WHERE event_id = 'e-0'"));
  EXPECT_THAT(complaints(), ElementsAre(HasSubstr("1 events of open letters have none, and would "
                                                  "run if they came again, such as bad-1"),
                                        HasSubstr("1 parked events have none")));
}

TEST_P(InboxVerifyContract, ABrokenPositionLawIsNamed) {
  Recount broken;
  broken.next_offset = 10;
  broken.counters = {.applied = 8};
  broken.applied_rows = 8;
  broken.open_batch = true;
  cli::judge(broken);
  EXPECT_EQ(broken.finding, Finding::kMismatch);
  EXPECT_THAT(broken.notes, ElementsAre(HasSubstr("committed while it was open"),
                                        HasSubstr("add up to 8, the position went 10")));
}

TEST_P(InboxVerifyContract, AnIdThatIsThereTwiceIsFoundWithoutTheIndex) {
  consume();
  if (is_sqlite())
    script(
        "CREATE TABLE copied AS SELECT * FROM processed_events;"
        "DROP TABLE processed_events; ALTER TABLE copied RENAME TO processed_events;"
        "INSERT INTO processed_events SELECT * FROM processed_events WHERE event_id = 'e-4'");
  else
    script(
        sql("ALTER TABLE {kinbox}.processed_events DROP CONSTRAINT processed_events_pkey;"
            "INSERT INTO {kinbox}.processed_events SELECT * FROM {kinbox}.processed_events "
            "WHERE event_id = 'e-4'"));
  const auto found = complaints();
  ASSERT_THAT(found, SizeIs(2));
  EXPECT_THAT(found[0], HasSubstr("schema and settings: "));
  EXPECT_EQ(found[1], "no id twice: 1 ids are in the inbox more than once, such as e-4");
}

class InboxVerifyOnPostgres : public InboxVerifyContract {
 protected:
  void as_superuser(const std::string& statement) {
    run_sql(PostgresService::get().uri(), statement);
  }
};
KINBOX_FOR_POSTGRES(InboxVerifyOnPostgres);

TEST_P(InboxVerifyOnPostgres, AnInvalidIndexIsNamed) {
  consume();
  as_superuser("UPDATE pg_index SET indisvalid = false WHERE indexrelid = '" + home().place() +
               ".letters_by_group'::regclass");
  EXPECT_THAT(complaints(), ElementsAre("indexes are valid: 1 indexes are not; REINDEX them, such "
                                        "as letters_by_group"));
}

TEST_P(InboxVerifyOnPostgres, ARowThatTheIndexDoesNotFindIsNamed) {
  consume();
  // An index that says it has all rows, and was made when one was not yet there.
  const auto schema = home().place();
  as_superuser("CREATE UNIQUE INDEX lame ON " + schema +
               ".processed_events (consumer, event_id) WHERE event_id <> 'e-4'; ALTER TABLE " +
               schema +
               ".processed_events DROP CONSTRAINT processed_events_pkey; UPDATE pg_index "
               "SET indpred = NULL WHERE indexrelid = '" +
               schema + ".lame'::regclass");
  EXPECT_THAT(complaints(), ElementsAre(HasSubstr("the inbox's index finds every row: 1 rows are "
                                                  "not found by it")));
}

class InboxVerifyOnSqlite : public InboxVerifyContract {};
INSTANTIATE_TEST_SUITE_P(On, InboxVerifyOnSqlite, ::testing::Values(sqlite_kind()),
                         [](const auto& kind) { return kind.param.name; });

TEST_P(InboxVerifyOnSqlite, RowsThatReferToNothingAreNamed) {
  consume();
  SQLite::Database(home().place(), SQLite::OPEN_READWRITE)
      .exec("PRAGMA foreign_keys = OFF; DELETE FROM letters WHERE event_id = 'bad-1'");
  EXPECT_THAT(complaints(), ElementsAre("foreign keys: 2 rows refer to nothing, such as one of "
                                        "outbox"));
}

}  // namespace
}  // namespace kinbox::testing
