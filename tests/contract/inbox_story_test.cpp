// `kinbox inbox show` and `list`: what they find, on both databases, and by which indexes.
#include <gmock/gmock.h>

#include "cli/inbox/event_story.hpp"
#include "cli/inbox/inbox_view.hpp"
#include "kinbox/email_outbox.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/outbox.hpp"
#include "support/letters.hpp"
#include "support/pipeline.hpp"
#include "support/postgres_test_database.hpp"
#include "support/services.hpp"

namespace kinbox::testing {
namespace {

using cli::BoundSql;
using cli::EventStory;
using cli::InboxSelection;
using cli::InboxView;
using cli::InboxWindow;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class InboxStoryContract : public Pipeline {
 protected:
  EventStory story(const std::string& id) { return cli::read_story(database(), id); }

  /// A section's rows, each with these columns joined by blanks.
  static std::vector<std::string> lines(const EventStory& story, const std::string& section,
                                        const std::vector<std::string>& columns) {
    std::vector<std::string> found;
    for (const auto& [name, table] : story.sections)
      if (name == section)
        for (const auto& row : table.rows) {
          std::string line;
          for (const auto& wanted : columns)
            for (std::size_t i = 0; i < table.columns.size(); ++i)
              if (table.columns[i].name == wanted) line += (line.empty() ? "" : " ") + text(row[i]);
          found.push_back(line);
        }
    return found;
  }

  std::vector<std::string> listed(const InboxSelection& selection, const InboxWindow& window = {}) {
    std::vector<std::string> found;
    for (const auto row : InboxView(database()).list(selection, window).rows)
      found.push_back(row.get<std::string>("event_id"));
    return found;
  }

  /// `amount` events of two consumers.
  void fill(int amount) {
    const auto n = std::to_string(amount);
    const std::string numbers =
        is_sqlite() ? "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers "
                      "WHERE n < " +
                          n + ") "
                    : "WITH numbers (n) AS (SELECT generate_series(1, " + n + ")) ";
    const std::string bytes = is_sqlite() ? "x'00'" : "'\\x00'";
    script(
        sql("INSERT INTO {kinbox}.consumers (name, group_id) VALUES ('orders', 'g'), "
            "('mail', 'g2');"
            "INSERT INTO {kinbox}.processed_events (consumer, event_id, topic, partition, "
            "record_offset, event_type, verdict, fingerprint) " +
            numbers +
            "SELECT CASE n % 2 WHEN 0 THEN 'mail' ELSE 'orders' END, 'e-' || n, 't', "
            "n % 4, n, 'T', CASE n % 10 WHEN 1 THEN 'skipped' ELSE 'applied' END, " +
            bytes +
            " FROM numbers;"
            "INSERT INTO {kinbox}.outbox (lane, message_id, topic, causation_id) " +
            numbers +
            "SELECT 0, 'm-' || n, 't', 'e-' || n FROM numbers;"
            "INSERT INTO {kinbox}.email_outbox (order_id, email_type, revision, "
            "recipient, message_id, payload, event_id) " +
            numbers +
            "SELECT 'o-' || n, 'c', 1, 'a@b', 'm', '{}', 'e-' || n FROM numbers;"
            "INSERT INTO {kinbox}.letters (consumer, event_id, topic, partition, "
            "record_offset, fingerprint, reason) " +
            numbers + "SELECT 'orders', 'e-' || n, 't', 0, n, " + bytes +
            ", 'undecodable' FROM numbers;" + letters_are("open") +
            "INSERT INTO {kinbox}.parked_events (consumer, event_id, topic, partition, "
            "record_offset, fingerprint) " +
            numbers + "SELECT 'orders', 'e-' || n, 't', 0, n, " + bytes + " FROM numbers"));
  }

  std::string plan(const BoundSql& query) {
    const std::string explain = is_sqlite() ? "EXPLAIN QUERY PLAN " : "EXPLAIN ";
    const auto tx = database().begin();
    std::string steps;
    for (const auto row :
         tx->query_with(tx->dialect().render(explain + query.text), query.params()))
      steps += row.get<std::string>(is_sqlite() ? 3 : 0) + '\n';
    return steps;
  }

  void analyze() {
    if (is_sqlite()) return script("ANALYZE");
    for (const char* table : {"processed_events", "outbox", "email_outbox", "letters",
                              "letter_states", "parked_events", "consumers"})
      run_sql(PostgresService::get().uri(), "VACUUM ANALYZE " + home().place() + '.' + table);
  }

 private:
  static std::string text(const cli::Cell& cell) {
    if (const auto* number = std::get_if<std::int64_t>(&cell)) return std::to_string(*number);
    if (const auto* words = std::get_if<std::string>(&cell)) return *words;
    return "-";
  }
};
KINBOX_FOR_ALL_DATABASES(InboxStoryContract);

TEST_P(InboxStoryContract, AnAppliedEventIsShownWithAllThatCameOfIt) {
  replies = {.to = "replies"};
  handle = [this](const Event& event, Transaction& tx) {
    insert_effect(event, tx);
    Outbox(tx.dialect(), {})
        .emit(tx,
              {.topic = "payments", .key = "o-1", .type = "payment.completed", .payload = "{}"});
    EmailOutbox(tx.dialect(), "shop.example")
        .enqueue(tx, {.type = "confirmation",
                      .order_id = "o-" + event.id(),
                      .recipient = "zoe@example.com",
                      .payload = "{}"});
  };
  send(p0, "e-0");
  send(p0, "e-1");
  run_until_idle({p0});
  const auto found = story("e-1");
  EXPECT_TRUE(found.known);
  EXPECT_THAT(
      lines(found, "inbox",
            {"consumer", "verdict", "type", "topic", "partition", "offset", "generation", "note"}),
      ElementsAre("orders applied Created orders.created 0 1 0 -"));
  EXPECT_THAT(lines(found, "inbox", {"fingerprint"}), ElementsAre(SizeIs(34)));
  EXPECT_THAT(lines(found, "outgoing", {"kind", "topic", "type", "state"}),
              ElementsAre("event payments payment.completed pending",
                          "reply replies Created.processed pending"));
  EXPECT_THAT(lines(found, "mails", {"type", "order_id", "revision", "state"}),
              ElementsAre("confirmation o-e-1 1 pending"));
  EXPECT_THAT(lines(found, "dead_letters", {"id"}), IsEmpty());
  EXPECT_THAT(lines(found, "parked", {"id"}), IsEmpty());
}

TEST_P(InboxStoryContract, ADeadEventIsShownWithItsLetterAndTheCopyForTheTopic) {
  handle = [](const Event&, Transaction&) { throw PermanentError("no"); };
  send(p0, "e-1");
  run_until_idle({p0});
  const auto found = story("e-1");
  EXPECT_THAT(lines(found, "inbox", {"verdict"}), ElementsAre("dead"));
  EXPECT_THAT(lines(found, "dead_letters", {"consumer", "state", "reason", "offset", "error_text"}),
              ElementsAre("orders open handler_rejected 0 no"));
  EXPECT_THAT(lines(found, "outgoing", {"kind", "topic"}),
              ElementsAre("dead letter dlq.g.orders.created"));
}

TEST_P(InboxStoryContract, AnEventThatWaitsIsShownInItsQueue) {
  handle = [](const Event&, Transaction&) { throw RetryableError("stock is away"); };
  options.dispatch.on_error = {.retry = {.max_attempts = 1}, .then = Then::kPark, .rules = {}};
  send(p0, "e-1");
  run_until_idle({p0});
  const auto found = story("e-1");
  EXPECT_THAT(lines(found, "inbox", {"verdict"}), ElementsAre("parked"));
  EXPECT_THAT(lines(found, "parked", {"consumer", "topic", "offset", "error_text"}),
              ElementsAre("orders orders.created 0 stock is away"));
}

TEST_P(InboxStoryContract, ConsumersOfTheSameRecordSayWhyTheyHaveNoVerdict) {
  send(p0, "e-0");
  send(p0, "e-1");
  run_until_idle({p0});
  const auto reader = [&](const std::string& name, int first, int next, int floor) {
    script(sql(
        "INSERT INTO {kinbox}.consumer_progress (consumer, topic, partition, first_offset, "
        "next_offset, skipped, dedup_floor) VALUES ('" +
        name + "', 'orders.created', 0, " + std::to_string(first) + ", " + std::to_string(next) +
        ", " + std::to_string(next - first) + ", " + std::to_string(floor) + ")"));
  };
  reader("a_behind", 0, 1, 0);
  reader("b_late", 2, 2, 0);
  reader("c_pruned", 0, 2, 2);
  reader("d_passed", 0, 2, 0);
  EXPECT_THAT(lines(story("e-1"), "inbox", {"consumer", "verdict", "note"}),
              ElementsAre("orders applied -", "a_behind - not read yet: its position is 1",
                          "b_late - before its first offset, 2",
                          "c_pruned - below its dedup floor, 2: a verdict may have been pruned",
                          HasSubstr("d_passed - its position is 2: passed without a verdict")));
  script(sql("UPDATE {kinbox}.consumer_progress SET dedup_floor = 2 WHERE consumer = 'orders'"));
  EXPECT_THAT(lines(story("e-1"), "inbox", {"consumer", "note"})[0], "orders below dedup floor 2");
}

TEST_P(InboxStoryContract, NobodyKnowsAnEventThatNeverCame) {
  send(p0, "e-1");
  run_until_idle({p0});
  EXPECT_FALSE(story("e-2").known);
  EXPECT_THAT(cli::forgotten(database()), IsEmpty());
  script(sql("UPDATE {kinbox}.consumer_progress SET dedup_floor = 1"));
  const auto forgotten = cli::forgotten(database());
  ASSERT_THAT(forgotten, SizeIs(1));
  EXPECT_EQ(forgotten[0].consumer, "orders");
  EXPECT_EQ(forgotten[0].partition, p0);
  EXPECT_EQ(forgotten[0].dedup_floor, 1);
}

TEST_P(InboxStoryContract, AStoryIsFoundByIndexesWhateverTheTablesHold) {
  fill(20'000);
  analyze();
  for (const auto& statement : cli::story_sql("e-17")) {
    const auto steps = plan(statement);
    if (is_sqlite())
      EXPECT_THAT(steps, AllOf(HasSubstr("SEARCH"), Not(HasSubstr("SCAN e")),
                               Not(HasSubstr("SCAN d")), Not(HasSubstr("SCAN q")),
                               Not(HasSubstr("SCAN o")), Not(HasSubstr("SCAN email"))))
          << statement.text;
    else
      EXPECT_THAT(
          steps,
          AllOf(HasSubstr("Index"), Not(HasSubstr("Seq Scan on processed_events")),
                Not(HasSubstr("Seq Scan on letter")), Not(HasSubstr("Seq Scan on parked_events")),
                Not(HasSubstr("Seq Scan on outbox")), Not(HasSubstr("Seq Scan on email_outbox"))))
          << statement.text;
  }
  EXPECT_THAT(lines(story("e-17"), "inbox", {"consumer", "offset"}), ElementsAre("orders 17"));
  EXPECT_THAT(lines(story("e-17"), "outgoing", {"message_id"}), ElementsAre("m-17"));
}

TEST_P(InboxStoryContract, PagesAreInOrderOfIds) {
  fill(40);
  EXPECT_THAT(InboxView(database()).consumers(), ElementsAre("mail", "orders"));
  const InboxWindow three{.limit = 3};
  EXPECT_THAT(listed({.consumer = "orders"}, three), ElementsAre("e-1", "e-11", "e-13"));
  const auto page = InboxView(database()).list({.consumer = "orders"}, three);
  EXPECT_EQ(page.next, "e-13");
  EXPECT_THAT(listed({.consumer = "orders"}, {.after = *page.next, .limit = 2}),
              ElementsAre("e-15", "e-17"));
  EXPECT_THAT(listed({.consumer = "mail", .prefix = "e-2"}),
              ElementsAre("e-2", "e-20", "e-22", "e-24", "e-26", "e-28"));
  EXPECT_THAT(listed({.consumer = "mail", .prefix = "e-28"}), ElementsAre("e-28"));
}

TEST_P(InboxStoryContract, FiltersWithoutAnIndexLookAtSoManyRowsAndNoMore) {
  fill(100);
  const InboxSelection skipped{.consumer = "orders", .verdict = "skipped"};
  EXPECT_THAT(listed(skipped), SizeIs(10));
  const InboxWindow few{.scan = 20};
  const auto first = InboxView(database()).list(skipped, few);
  EXPECT_LT(first.rows.size(), 10U);
  ASSERT_TRUE(first.next.has_value());
  std::size_t found = 0;
  std::optional<std::string> after = "";
  int pages = 0;
  for (; after; ++pages) {
    const auto page = InboxView(database()).list(skipped, {.after = *after, .scan = 20});
    found += page.rows.size();
    after = page.next;
  }
  EXPECT_EQ(found, 10U);
  EXPECT_EQ(pages, 3) << "50 rows, 20 of them for each page";
}

TEST_P(InboxStoryContract, EveryFilterIsOneOfTheDatabase) {
  fill(40);
  InboxSelection one{.consumer = "orders",
                     .prefix = "e-2",
                     .verdict = "skipped",
                     .topic = "t",
                     .partition = 1,
                     .event_type = "T",
                     .since = Timestamp(std::chrono::seconds(1'000'000'000)),
                     .until = Timestamp(std::chrono::seconds(4'000'000'000))};
  EXPECT_THAT(listed(one), ElementsAre("e-21"));
  EXPECT_EQ(cli::as_options(one),
            "--consumer orders --prefix e-2 --verdict skipped --topic t --partition 1 --type T "
            "--since 2001-09-09T01:46:40.000Z --until 2096-10-02T07:06:40.000Z");
  for (const auto& spoil : std::vector<std::function<void(InboxSelection&)>>{
           [](auto& s) { s.consumer = "mail"; }, [](auto& s) { s.prefix = "e-3"; },
           [](auto& s) { s.verdict = "applied"; }, [](auto& s) { s.topic = "u"; },
           [](auto& s) { s.partition = 2; }, [](auto& s) { s.event_type = "U"; },
           [](auto& s) { s.since = s.until; }, [](auto& s) { s.until = s.since; }}) {
    auto other = one;
    spoil(other);
    EXPECT_THAT(listed(other), Not(ElementsAre("e-21"))) << cli::as_options(other);
  }
}

TEST_P(InboxStoryContract, APageIsReadThroughTheInboxsOwnIndex) {
  fill(20'000);
  analyze();
  const InboxSelection plain{.consumer = "orders"};
  const InboxSelection prefix{.consumer = "orders", .prefix = "e-19"};
  const InboxSelection verdict{.consumer = "orders", .verdict = "skipped"};
  const InboxWindow window{.after = "e-1", .scan = 1'000};
  for (const auto& query :
       {cli::inbox_page_sql(plain, window), cli::inbox_page_sql(prefix, window),
        cli::inbox_page_sql(verdict, window), cli::inbox_window_end_sql(verdict, window)}) {
    const auto steps = plan(query);
    if (is_sqlite())
      EXPECT_THAT(steps, AllOf(HasSubstr("SEARCH main.processed_events USING"),
                               HasSubstr("(consumer=? AND event_id>")));
    else
      EXPECT_THAT(steps, AllOf(HasSubstr("using processed_events_pkey"), Not(HasSubstr("Sort"))));
  }
}

}  // namespace
}  // namespace kinbox::testing
