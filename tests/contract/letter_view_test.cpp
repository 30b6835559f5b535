// What `kinbox dlq` reads, on both databases, and how they find it.
#include "cli/dlq/letter_view.hpp"

#include <gmock/gmock.h>

#include "cli/audit/audit_view.hpp"
#include "cli/dlq/parked_view.hpp"
#include "support/letters.hpp"
#include "support/postgres_test_database.hpp"
#include "support/services.hpp"
#include "support/test_database.hpp"

namespace kinbox::testing {
namespace {

using cli::BoundSql;
using cli::Content;
using cli::LetterKind;
using cli::LetterSelection;
using cli::LetterView;
using cli::Page;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

class LetterViewContract : public DatabaseContract {
 protected:
  /// `amount` letters, of ten groups and two consumers; every tenth is resolved, the ones after
  /// them are requested. Letter n died n seconds after noon.
  void fill(int amount) {
    const auto n = std::to_string(amount);
    const std::string numbers =
        is_sqlite() ? "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers "
                      "WHERE n < " +
                          n + ") "
                    : "WITH numbers (n) AS (SELECT generate_series(1, " + n + ")) ";
    const std::string moment =
        is_sqlite() ? "strftime('%Y-%m-%dT%H:%M:%fZ', '2026-01-31T12:00:00Z', n || ' seconds')"
                    : "timestamptz '2026-01-31T12:00:00Z' + n * interval '1 second'";
    const std::string bytes =
        is_sqlite() ? "CAST('key-' || (n % 500) AS BLOB)" : "convert_to('key-' || (n % 500), 'UTF8')";
    script(database().dialect().render(
        "INSERT INTO {kinbox}.letters (consumer, event_id, event_type, topic, partition, "
        "record_offset, key, value, fingerprint, reason, handler, error_type, error_code, "
        "error_text, error_group, dead_at, redrive_count) " +
        numbers +
        "SELECT CASE n % 3 WHEN 0 THEN 'mail' ELSE 'orders' END, 'e-' || n, 'T', 'orders', n % 4, "
        "n, " +
        bytes + ", " + bytes + ", " + bytes +
        ", 'handler_rejected', 'h', 'Error', "
        "'code_' || (n % 10), 'order ' || n || ' is closed', 'group_' || (n % 10), " +
        moment + ", n % 2 FROM numbers ORDER BY n;" + letters_are("open") +
        "DELETE FROM {kinbox}.letter_states WHERE record_offset % 10 = 0;"
        "UPDATE {kinbox}.letter_states SET state = 'requested' WHERE record_offset % 10 = 1"));
  }

  static std::vector<std::int64_t> ids(const Rows& rows) {
    std::vector<std::int64_t> found;
    for (const auto row : rows) found.push_back(row.get<std::int64_t>("id"));
    return found;
  }

  /// What the database says about how it would carry out `query`, after it has looked at its
  /// tables.
  std::string plan(const BoundSql& query) {
    analyze();
    const std::string explain = is_sqlite() ? "EXPLAIN QUERY PLAN " : "EXPLAIN ";
    const auto tx = database().begin();
    std::string lines;
    for (const auto row :
         tx->query_with(tx->dialect().render(explain + query.text), query.params()))
      lines += row.get<std::string>(is_sqlite() ? 3 : 0) + '\n';
    return lines;
  }

  LetterView view() { return LetterView(database()); }

 private:
  void analyze() {
    if (is_sqlite()) return script("ANALYZE");
    // Not in a transaction: only VACUUM tells the planner which pages need no second look.
    for (const char* table : {".letters", ".letter_states"})
      run_sql(PostgresService::get().uri(), "VACUUM ANALYZE " + home().place() + table);
  }
};
KINBOX_FOR_ALL_DATABASES(LetterViewContract);

const LetterSelection kWaiting{.states = {"open", "requested"}};

TEST_P(LetterViewContract, GroupsAreCountedByConsumerAndDescribedByTheirLatestLetter) {
  fill(60);
  const auto groups = view().groups(kWaiting, 100);
  ASSERT_EQ(groups.size(), 18U);
  const auto first = groups[0];
  EXPECT_EQ(first.get<std::int64_t>("letters"), 4);
  EXPECT_EQ(first.get<std::string>("consumer"), "orders");
  EXPECT_EQ(first.get<std::string>("group"), "group_1");
  EXPECT_EQ(first.get<std::int64_t>("requested"), 4);
  EXPECT_EQ(first.get<std::int64_t>("redrives"), 4);
  EXPECT_EQ(first.get<std::int64_t>("sample"), 41);
  EXPECT_EQ(first.get<std::string>("error_text"), "order 41 is closed");
  EXPECT_THAT(first.get<std::string>("first_seen"), HasSubstr("12:00:01"));
  EXPECT_THAT(first.get<std::string>("last_seen"), HasSubstr("12:00:41"));
}

TEST_P(LetterViewContract, AGroupSpansItsStates) {
  fill(20);
  script(database().dialect().render(
      "UPDATE {kinbox}.letter_states SET state = 'open' WHERE id = 11"));
  const auto groups =
      view().groups({.consumer = "orders", .group = "group_1", .states = kWaiting.states}, 100);
  ASSERT_EQ(groups.size(), 1U);
  EXPECT_EQ(groups[0].get<std::int64_t>("letters"), 2);
  EXPECT_EQ(groups[0].get<std::int64_t>("requested"), 1);
  EXPECT_EQ(groups[0].get<std::int64_t>("sample"), 11);
  EXPECT_THAT(groups[0].get<std::string>("first_seen"), HasSubstr("12:00:01"));
}

TEST_P(LetterViewContract, ResolvedLettersAreThoseWithoutAState) {
  fill(60);
  script(database().dialect().render("DELETE FROM {kinbox}.letter_states WHERE id IN (11, 41)"));
  const LetterSelection resolved{.consumer = "orders", .states = {"resolved"}};
  const auto groups = view().groups(resolved, 100);
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0].get<std::string>("group"), "group_0");
  EXPECT_EQ(groups[0].get<std::int64_t>("letters"), 4);
  const auto mixed = groups[1];
  EXPECT_EQ(mixed.get<std::string>("group"), "group_1");
  EXPECT_EQ(mixed.get<std::int64_t>("letters"), 2);
  EXPECT_EQ(mixed.get<std::int64_t>("redrives"), 2);
  EXPECT_EQ(mixed.get<std::int64_t>("sample"), 41);
  EXPECT_THAT(mixed.get<std::string>("first_seen"), HasSubstr("12:00:11"));
  EXPECT_THAT(mixed.get<std::string>("last_seen"), HasSubstr("12:00:41"));
  EXPECT_THAT(ids(view().list(resolved, {.after = 10})), ElementsAre(11, 20, 40, 41, 50));
  const auto all = view().groups({.consumer = "orders", .group = "group_1"}, 100);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].get<std::int64_t>("letters"), 4);
  EXPECT_EQ(all[0].get<std::int64_t>("requested"), 2);
  EXPECT_EQ(all[0].get<std::int64_t>("sample"), 41);
  EXPECT_THAT(all[0].get<std::string>("first_seen"), HasSubstr("12:00:01"));
  EXPECT_EQ(view().show(41).letter[0].get<std::string>("state"), "resolved");
}

TEST_P(LetterViewContract, TheLatestLetterIsTheOneThatDiedLast) {
  fill(30);
  script(database().dialect().render(
      "UPDATE {kinbox}.letters SET dead_at = '2026-02-01T00:00:00.000Z' WHERE id = 2;"
      "UPDATE {kinbox}.letter_states SET dead_at = '2026-02-01T00:00:00.000Z' WHERE id = 2"));
  const auto groups = view().groups({.consumer = "orders", .group = "group_2"}, 1);
  EXPECT_EQ(groups[0].get<std::int64_t>("sample"), 2);
  EXPECT_THAT(groups[0].get<std::string>("last_seen"), HasSubstr("2026-02-01"));
}

TEST_P(LetterViewContract, PagesAreInOrderOfIdsWhateverTheStates) {
  fill(40);
  EXPECT_THAT(ids(view().list(kWaiting, {.after = 7, .limit = 5})), ElementsAre(8, 9, 11, 12, 13));
  EXPECT_THAT(ids(view().list({}, {.after = 7, .limit = 4})), ElementsAre(8, 9, 10, 11));
  EXPECT_THAT(ids(view().list({.consumer = "mail", .states = {"requested"}}, {})), ElementsAre(21));
}

TEST_P(LetterViewContract, EveryFilterIsOneOfTheDatabase) {
  fill(20);
  LetterSelection selection{.ids = {12, 13, 22},
                            .consumer = "mail",
                            .group = "group_2",
                            .reason = "handler_rejected",
                            .handler = "h",
                            .error_class = "code_2",
                            .topic = "orders",
                            .partition = 0,
                            .key = "key-12",
                            .event_id = "e-12",
                            .event_type = "T",
                            .since = Timestamp(std::chrono::seconds(1'769'860'812)),
                            .until = Timestamp(std::chrono::seconds(1'769'860'813)),
                            .states = {"open"}};
  EXPECT_THAT(ids(view().list(selection, {})), ElementsAre(12));
  selection.until = selection.since;
  EXPECT_THAT(ids(view().list(selection, {})), ElementsAre());
}

TEST_P(LetterViewContract, ALetterIsShownWithItsRecordAndItsHistory) {
  fill(3);
  script(database().dialect().render(
      "INSERT INTO {kinbox}.audit (who, action, reason) VALUES ('zoe', 'dlq retry', 'mended');"
      "INSERT INTO {kinbox}.dead_letter_history (dead_letter_id, what, detail, audit_id) VALUES "
      "(2, 'requested', '', 1), (2, 'failed_again', 'closed', NULL), (3, 'requested', '', 1)"));
  const auto detail = view().show(2);
  ASSERT_EQ(detail.letter.size(), 1U);
  EXPECT_EQ(as_text(detail.letter[0].get<ByteVector>("value")), "key-2");
  EXPECT_FALSE(detail.letter[0].get<bool>("edited"));
  ASSERT_EQ(detail.history.size(), 2U);
  EXPECT_EQ(detail.history[0].get<std::string>("who"), "zoe");
  EXPECT_EQ(detail.history[1].get<std::string>("what"), "failed_again");
  EXPECT_EQ(detail.history[1].get<std::optional<std::string>>("who"), std::nullopt);
  EXPECT_TRUE(view().show(17).letter.empty());
}

TEST_P(LetterViewContract, KindsAreFoundFromOneToTheNext) {
  EXPECT_TRUE(view().kinds().empty());
  EXPECT_TRUE(view().list({}, {}).empty());
  fill(20'000);
  EXPECT_THAT(
      view().kinds(),
      UnorderedElementsAre(LetterKind{"open", "mail"}, LetterKind{"open", "orders"},
                           LetterKind{"requested", "mail"}, LetterKind{"requested", "orders"},
                           LetterKind{"resolved", "mail"}, LetterKind{"resolved", "orders"}));
  const auto steps = plan(cli::letter_kinds_sql());
  if (is_sqlite())
    EXPECT_THAT(steps, AllOf(HasSubstr("SEARCH d USING COVERING INDEX"), Not(HasSubstr("SCAN d"))));
  else
    EXPECT_THAT(steps, AllOf(HasSubstr("Index Only Scan"), Not(HasSubstr("Seq Scan")),
                             Not(HasSubstr("Index Scan"))));
}

TEST_P(LetterViewContract, GroupsAreFoundInIndexesAlone) {
  fill(20'000);
  const auto steps = plan(cli::groups_sql(kWaiting, 100));
  if (is_sqlite()) {
    EXPECT_THAT(steps, AllOf(HasSubstr("USING COVERING INDEX letter_states_by_group"),
                             HasSubstr("USING COVERING INDEX letter_states_by_time"),
                             HasSubstr("USING INTEGER PRIMARY KEY"), Not(HasSubstr("SCAN l"))));
  } else {
    EXPECT_THAT(steps,
                AllOf(HasSubstr("Index Only Scan using letter_states_by_group"),
                      HasSubstr("Index Only Scan using letter_states_by_time"),
                      HasSubstr("Index Only Scan Backward using letter_states_by_time"),
                      HasSubstr("Index Scan using dead_letters_pkey"), Not(HasSubstr("Seq Scan"))));
  }
}

TEST_P(LetterViewContract, APageIsFoundByAnIndexWithoutReadingTheRest) {
  fill(20'000);
  const LetterSelection by_key{.key = "key-7", .states = kWaiting.states};
  const LetterSelection by_event{.consumer = "orders", .event_id = "e-7"};
  const LetterSelection none{.consumer = "mail", .group = "no_group"};
  const LetterSelection by_group{.consumer = "orders", .group = "group_3", .states = {"open"}};
  for (const auto& selection : {kWaiting, LetterSelection{}, by_key, by_event, by_group, none}) {
    const auto query =
        cli::letters_sql(selection, view().kinds(), {.after = 9'000}, Content::kRecord);
    const auto steps = plan(*query);
    if (is_sqlite())
      EXPECT_THAT(steps, AllOf(HasSubstr("SEARCH l "), Not(HasSubstr("SCAN l ")),
                               Not(HasSubstr("SCAN s ")), Not(HasSubstr("SCAN main."))))
          << as_options(selection);
    else
      EXPECT_THAT(steps, Not(HasSubstr("Seq Scan"))) << as_options(selection);
  }
}

TEST_P(LetterViewContract, ParkedEventsKnowHowManyAreAhead) {
  const std::string none = is_sqlite() ? "x''" : "''";
  script(database().dialect().render(
      "INSERT INTO {kinbox}.parked_events (consumer, event_id, topic, partition, record_offset, "
      "fingerprint, queue, due_at) VALUES ('orders', 'e-1', 't', 0, 5, " +
      none +
      ", 7, "
      "'2026-01-31T12:00:00.000Z'), ('orders', 'e-2', 't', 0, 6, " +
      none +
      ", 7, NULL), "
      "('orders', 'e-3', 't', 1, 7, " +
      none + ", 7, NULL), ('mail', 'e-1', 't', 0, 9, " + none + ", 7, NULL)"));
  cli::ParkedView parked(database());
  std::vector<std::int64_t> ahead;
  for (const auto row : parked.list({}, {})) ahead.push_back(row.get<std::int64_t>("ahead"));
  EXPECT_THAT(ahead, ElementsAre(0, 1, 0, 0));
  EXPECT_EQ(ids(parked.list({.consumer = "orders"}, {.after = 1, .limit = 1})),
            std::vector<std::int64_t>{2});
  EXPECT_EQ(parked.show(2)[0].get<std::string>("event_id"), "e-2");
  EXPECT_TRUE(parked.show(17).empty());
}

TEST_P(LetterViewContract, TheAuditIsReadByEveryFilter) {
  script(
      database().dialect().render("INSERT INTO {kinbox}.audit (at, who, action, consumer) VALUES "
                                  "('2026-01-31T12:00:00.000Z', 'zoe', 'dlq retry', 'orders'), "
                                  "('2026-01-31T13:00:00.000Z', 'max', 'dlq retry', 'orders'), "
                                  "('2026-01-31T14:00:00.000Z', 'zoe', 'dlq discard', 'mail')"));
  cli::AuditView audit(database());
  EXPECT_THAT(ids(audit.list({})), ElementsAre(3, 2, 1));
  EXPECT_THAT(ids(audit.list({.consumer = "orders",
                              .action = "dlq retry",
                              .who = "max",
                              .since = Timestamp(std::chrono::seconds(1'769'864'400)),
                              .until = Timestamp(std::chrono::seconds(1'769'864'401)),
                              .before = 3})),
              ElementsAre(2));
}

}  // namespace
}  // namespace kinbox::testing
