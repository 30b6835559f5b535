#include "cli/dlq/letter_desk.hpp"

#include <gmock/gmock.h>

#include <future>

#include "cli/dlq/letter_edit.hpp"
#include "cli/dlq/stored_letters.hpp"
#include "core/letter_import.hpp"
#include "support/eventually.hpp"
#include "support/test_database.hpp"

namespace kinbox::cli {
namespace {

using testing::DatabaseContract;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class LetterDeskContract : public DatabaseContract {
 protected:
  /// Open letters 1 to `count` of consumer orders, in topic t, of two partitions.
  void fill(int count) {
    script(database().dialect().render(
        "INSERT INTO {kinbox}.consumers (name, group_id) VALUES ('orders', 'orders');"
        "INSERT INTO {kinbox}.consumer_progress (consumer, topic, partition, first_offset, "
        "next_offset) VALUES ('orders', 't', 0, 0, 0), ('orders', 't', 1, 0, 0)"));
    std::vector<ImportedLetter> letters;
    for (int i = 1; i <= count; ++i) {
      ImportedLetter letter;
      // The later the letter, the earlier its record.
      letter.record = {.topic = "t",
                       .partition = i % 2,
                       .offset = 1000 - i,
                       .timestamp = std::nullopt,
                       .key = "k",
                       .value = "v" + std::to_string(i),
                       .headers = {{"h", std::string("\0\xff", 2)}, {"h", std::nullopt}}};
      letter.event_id = "e-" + std::to_string(i);
      letter.failure = {.reason = "handler_rejected",
                        .handler = "stock",
                        .error_type = "",
                        .error_code = "",
                        .error_text = "",
                        .attempts = 1,
                        .first_failed_at = Timestamp(std::chrono::milliseconds(1'700'000'000'456))};
      letter.dead_at = Timestamp(std::chrono::milliseconds(1'700'000'000'789));
      letters.push_back(std::move(letter));
    }
    const auto tx = database().begin();
    LetterImport("orders", database().dialect()).run(*tx, letters, "test", {});
    tx->commit();
  }

  Rows query(std::string_view sql) {
    return database().begin()->query(database().dialect().render(sql));
  }
  std::string text(std::string_view sql) { return query(sql)[0].get<std::string>(0); }
  std::int64_t requested() {
    return number("SELECT count(*) FROM {kinbox}.dead_letters WHERE state = 'requested'");
  }

  static LetterDesk::Change by(const std::string& who) {
    LetterDesk::Change change;
    change.action = {.who = who, .action = "dlq retry", .filter = "--all"};
    return change;
  }
};

TEST_P(LetterDeskContract, LettersArePlannedInTheOrderOfTheirRecords) {
  fill(4);
  LetterDesk desk(database());
  const auto plan = desk.plan(acts::kRetry, {});
  EXPECT_THAT(plan.ids, ElementsAre(4, 2, 3, 1));
  ASSERT_THAT(plan.groups, SizeIs(1));
  EXPECT_EQ(plan.groups[0].letters, 4);
  EXPECT_EQ(plan.groups[0].handler, "stock");
  EXPECT_THAT(desk.plan(acts::kRetry, {}, 2).ids, ElementsAre(4, 2));
  EXPECT_THAT(desk.plan(acts::kRetry, {.topic = "other"}).ids, IsEmpty());
}

TEST_P(LetterDeskContract, AllThatBelongsToARetryIsOneTransaction) {
  fill(4);
  LetterDesk desk(database());
  const auto audit = desk.apply(acts::kRetry, desk.plan(acts::kRetry, {.ids = {2}}), by("zoe"));
  EXPECT_EQ(requested(), 1);
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.dead_letters WHERE due_at IS NOT NULL"), 1);
  const auto row = query("SELECT * FROM {kinbox}.audit")[0];
  EXPECT_EQ(row.get<std::int64_t>("id"), audit);
  EXPECT_EQ(row.get<std::string>("who"), "zoe");
  EXPECT_EQ(row.get<std::string>("consumer"), "orders");
  EXPECT_EQ(row.get<std::int64_t>("affected"), 1);
  EXPECT_EQ(row.get<std::string>("outcome"), "done");
  EXPECT_EQ(number("SELECT audit_id FROM {kinbox}.dead_letter_history WHERE what = 'requested'"),
            audit);
  EXPECT_EQ(number("SELECT control_version FROM {kinbox}.consumers"), 1);
  EXPECT_EQ(number("SELECT control_version FROM {kinbox}.consumer_progress WHERE partition = 0"),
            1);
  EXPECT_EQ(number("SELECT control_version FROM {kinbox}.consumer_progress WHERE partition = 1"), 0)
      << "its owner has nothing to read";
}

TEST_P(LetterDeskContract, ManyLettersAreChangedInSeveralTransactionsAndOneAct) {
  fill(7);
  LetterDesk desk(database(), 3);
  desk.apply(acts::kRetry, desk.plan(acts::kRetry, {}), by("zoe"));
  EXPECT_EQ(requested(), 7);
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.audit"), 1);
  EXPECT_EQ(number("SELECT affected FROM {kinbox}.audit"), 7);
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.dead_letter_history WHERE what = 'requested'"),
            7);
}

TEST_P(LetterDeskContract, ARateGivesEveryLetterItsMoment) {
  fill(5);
  LetterDesk desk(database(), 2);
  auto change = by("zoe");
  change.rate = 0.001;
  desk.apply(acts::kRetry, desk.plan(acts::kRetry, {}), change);
  const auto seconds =
      is_sqlite() ? "SELECT CAST(round((julianday(max(due_at)) - julianday(min(due_at))) * "
                    "86400) AS INTEGER) FROM {kinbox}.dead_letters"
                  : "SELECT CAST(round(extract(epoch FROM max(due_at) - min(due_at))) AS "
                    "bigint) FROM {kinbox}.dead_letters";
  EXPECT_NEAR(static_cast<double>(number(seconds)), 4000, 60);
  // In the order of the records: 4, 2 (partition 0), then 5, 3, 1.
  std::vector<std::int64_t> order;
  for (const auto row : query("SELECT id FROM {kinbox}.dead_letters ORDER BY due_at"))
    order.push_back(row.get<std::int64_t>(0));
  EXPECT_THAT(order, ElementsAre(4, 2, 5, 3, 1));
}

TEST_P(LetterDeskContract, WhoComesSecondIsToldWhoWasFirstAndChangesNothing) {
  fill(4);
  LetterDesk desk(database());
  const auto plan = desk.plan(acts::kRetry, {});
  desk.apply(acts::kRetry, desk.plan(acts::kRetry, {.ids = {3}}), by("max"));
  try {
    desk.apply(acts::kRetry, plan, by("zoe"));
    FAIL() << "accepted";
  } catch (const LettersMoved& e) {
    EXPECT_THAT(e.what(), HasSubstr("letter 3 (requested by max, "));
    EXPECT_THAT(e.what(), HasSubstr("nothing was changed"));
  }
  EXPECT_EQ(requested(), 1);
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.audit"), 1);
}

TEST_P(LetterDeskContract, WhoIsStoppedHalfwayIsToldWhatWasDone) {
  fill(6);
  LetterDesk desk(database(), 2);
  const auto plan = desk.plan(acts::kRetry, {});
  desk.apply(acts::kDiscard, desk.plan(acts::kDiscard, {.ids = {5}}), by("max"));
  try {
    desk.apply(acts::kRetry, plan, by("zoe"));
    FAIL() << "accepted";
  } catch (const LettersMoved& e) {
    EXPECT_THAT(e.what(), HasSubstr("letter 5 (discarded by max, "));
    EXPECT_THAT(e.what(), HasSubstr("2 letters of 6 were requested"));
  }
  EXPECT_EQ(requested(), 2);
  EXPECT_EQ(number("SELECT affected FROM {kinbox}.audit WHERE who = 'zoe'"), 2);
  EXPECT_THAT(text("SELECT outcome FROM {kinbox}.audit WHERE who = 'zoe'"),
              HasSubstr("stopped: 1 letter changed"));
}

TEST_P(LetterDeskContract, DiscardedLettersAreNotDueAndCanBeRestored) {
  fill(2);
  LetterDesk desk(database());
  desk.apply(acts::kRetry, desk.plan(acts::kRetry, {}), by("zoe"));
  desk.apply(acts::kDiscard, desk.plan(acts::kDiscard, {}), by("zoe"));
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.dead_letters WHERE state = 'discarded' "
                   "AND due_at IS NULL"),
            2);
  desk.apply(acts::kRestore, desk.plan(acts::kRestore, {}), by("zoe"));
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.dead_letters WHERE state = 'open'"), 2);
}

TEST_P(LetterDeskContract, AnotherIdMustBeNobodysElse) {
  fill(2);
  script(database().dialect().render(
      "UPDATE {kinbox}.letters SET reason = 'id_conflict' WHERE id = 1"));
  LetterDesk desk(database());
  EXPECT_THAT(desk.plan(acts::kRetry, {}).ids, ElementsAre(2));
  EXPECT_EQ(desk.plan(acts::kRetry, {}).conflicts, 1);
  const auto plan = desk.plan(acts::kRetryAs, {.ids = {1}});
  auto change = by("zoe");
  change.retry_as = "e-2";
  EXPECT_THROW(desk.apply(acts::kRetryAs, plan, change), RefusedError);
  EXPECT_EQ(requested(), 0);
  change.retry_as = "e-1-second";
  desk.apply(acts::kRetryAs, plan, change);
  EXPECT_EQ(text("SELECT retry_as FROM {kinbox}.dead_letters WHERE state = 'requested'"),
            "e-1-second");
}

TEST_P(LetterDeskContract, WhoTriesThemIsKnown) {
  fill(3);
  LetterDesk desk(database());
  desk.apply(acts::kRetry, desk.plan(acts::kRetry, {}), by("zoe"));
  EXPECT_THAT(desk.untaken({"orders"}), IsEmpty());
  EXPECT_THAT(desk.idle({"orders"}), ElementsAre("orders"));
  script(database().dialect().render(
      "DELETE FROM {kinbox}.consumer_progress WHERE partition = 1;"
      "INSERT INTO {kinbox}.workers (owner, consumer, host, pid, version, seen_until) "
      "VALUES ('w', 'orders', 'h', 1, '1', '2999-01-01T00:00:00.000Z')"));
  EXPECT_THAT(desk.untaken({"orders"}), ElementsAre("t/1 (consumer orders)"));
  EXPECT_THAT(desk.idle({"orders"}), IsEmpty());
}

TEST_P(LetterDeskContract, LettersAreReadBackAsTheyWereImported) {
  fill(3);
  std::vector<ConsumerLetter> read;
  {
    const auto tx = database().begin();
    const auto ids = stored_ids(*tx, {.states = {"open"}}, 2);
    EXPECT_THAT(ids, ElementsAre(2, 3));
    const std::vector<std::int64_t> wanted{3, 99, 1};
    read = stored_letters(*tx, wanted);
  }
  ASSERT_THAT(read, SizeIs(2));
  EXPECT_EQ(read[0].id, 3);
  EXPECT_EQ(read[1].id, 1);
  const auto& letter = read[1].letter;
  EXPECT_EQ(letter.record.value, "v1");
  EXPECT_THAT(letter.record.headers, SizeIs(2));
  EXPECT_EQ(letter.record.headers[0].value, std::string("\0\xff", 2));
  EXPECT_EQ(letter.failure.first_failed_at,
            Timestamp(std::chrono::milliseconds(1'700'000'000'456)));
  EXPECT_EQ(letter.dead_at, Timestamp(std::chrono::milliseconds(1'700'000'000'789)));
}

TEST_P(LetterDeskContract, AnEditedValueStandsBesideTheOriginal) {
  fill(1);
  const auto read = read_value(database(), 1);
  EXPECT_EQ(read.current(), "v1");
  store_edited(database(), 1, read, std::string("\0\xff", 2), {.who = "zoe", .action = "dlq edit"});
  const auto again = read_value(database(), 1);
  EXPECT_EQ(again.original, "v1");
  EXPECT_EQ(again.current(), std::string("\0\xff", 2));
  EXPECT_THROW(store_edited(database(), 1, read, "x", {.who = "max", .action = "dlq edit"}),
               LettersMoved)
      << "it was read before zoe stored hers";
  store_edited(database(), 1, again, "hers", {.who = "zoe", .action = "dlq edit"});
  EXPECT_THROW(store_edited(database(), 1, again, "his", {.who = "max", .action = "dlq edit"}),
               LettersMoved);
  store_edited(database(), 1, read_value(database(), 1), "v1",
               {.who = "zoe", .action = "dlq edit"});
  EXPECT_EQ(read_value(database(), 1).edited, std::nullopt);
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.dead_letter_history WHERE what = 'edited'"), 3);
}

/// Two people press enter at once.
class LetterDeskRace : public LetterDeskContract {};

TEST_P(LetterDeskRace, OneOfTwoWinsTheOtherIsTold) {
  fill(20);
  const auto plan = LetterDesk(database()).plan(acts::kRetry, {});
  std::vector<std::future<bool>> people;
  for (const auto* who : {"max", "zoe"})
    people.push_back(std::async(std::launch::async, [&, who] {
      const auto own = connect();
      try {
        LetterDesk(*own).apply(acts::kRetry, plan, by(who));
        return true;
      } catch (const LettersMoved& e) {
        EXPECT_THAT(e.what(), HasSubstr("20 letters changed"));
        return false;
      }
    }));
  const bool first = people[0].get();
  EXPECT_NE(first, people[1].get());
  EXPECT_EQ(requested(), 20);
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.dead_letter_history WHERE what = 'requested'"),
            20);
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.audit"), 1);
}

TEST_P(LetterDeskRace, WhoRestoresWhatIsBeingPurgedIsTold) {
  fill(1);
  // Of a partition that the consumer never had, as imported letters may be: nothing else is locked.
  script(database().dialect().render("DELETE FROM {kinbox}.consumer_progress"));
  LetterDesk desk(database());
  desk.apply(acts::kDiscard, desk.plan(acts::kDiscard, {}), by("max"));
  const auto plan = desk.plan(acts::kRestore, {});
  ASSERT_THAT(plan.ids, SizeIs(1));

  auto purging = database().begin();
  purging->execute(database().dialect().render("UPDATE {kinbox}.letters SET purged_at = {now}"));
  purging->execute(
      database().dialect().render("UPDATE {kinbox}.letter_states SET state = 'discarded'"));
  purging->query("SELECT 1");  // which sends them
  auto restored = std::async(std::launch::async, [&] {
    const auto own = connect();
    try {
      LetterDesk(*own).apply(acts::kRestore, plan, by("zoe"));
      return true;
    } catch (const LettersMoved&) {
      return false;
    }
  });
  if (!is_sqlite()) {
    EXPECT_TRUE(testing::eventually([&] { return home().waiting() == 1; }));
  }
  purging->commit();
  EXPECT_FALSE(restored.get());
  EXPECT_EQ(text("SELECT state FROM {kinbox}.dead_letters"), "discarded");
}

}  // namespace

KINBOX_FOR_ALL_DATABASES(LetterDeskContract);
KINBOX_FOR_ALL_DATABASES(LetterDeskRace);

}  // namespace kinbox::cli
