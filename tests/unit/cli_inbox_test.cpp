// `kinbox inbox`: what it prints, how it goes on, how it ends.
#include <gmock/gmock.h>

#include "cli/output/sections.hpp"
#include "cli/usage_error.hpp"
#include "support/desk_cli.hpp"

namespace kinbox::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class CliInbox : public DeskCli {
 protected:
  void add_consumer(const std::string& name) {
    sql("INSERT INTO consumers (name, group_id) VALUES ('" + name + "', 'g')");
  }
  void add_event(const std::string& id, int offset, const std::string& verdict = "applied") {
    sql("INSERT INTO processed_events (consumer, event_id, topic, partition, record_offset, "
        "event_type, verdict, fingerprint) VALUES ('orders', '" +
        id + "', 't', 0, " + std::to_string(offset) + ", 'Paid', '" + verdict + "', x'01ff')");
  }
  void add_position(int applied, const std::string& more = "") {
    sql("INSERT INTO consumer_progress (consumer, topic, partition, first_offset, next_offset, "
        "applied) VALUES ('orders', 't', 0, 0, " +
        std::to_string(applied) + ", " + std::to_string(applied) + ");" + more);
  }
};

TEST_F(CliInbox, AnEventIsShownToPeopleAndToPrograms) {
  add_consumer("orders");
  add_event("e-1", 0);
  sql("INSERT INTO email_outbox (order_id, email_type, revision, recipient, message_id, payload, "
      "event_id) VALUES ('o-1', 'confirmation', 1, 'a@b.example', 'm', '{}', 'e-1')");
  const auto page = run({"inbox", "show", "e-1"});
  EXPECT_EQ(page.exit_code, 0) << page.err;
  EXPECT_THAT(page.out, AllOf(HasSubstr("inbox\nCONSUMER"), HasSubstr("applied"),
                              HasSubstr("\nmails\nID"), Not(HasSubstr("dead letters"))));
  EXPECT_THAT(page.out, Not(HasSubstr("a@b.example")));
  const auto story = answer({"inbox", "show", "e-1"});
  EXPECT_EQ(story["inbox"][0]["consumer"], "orders");
  EXPECT_EQ(story["inbox"][0]["fingerprint"], "01ff");
  EXPECT_EQ(story["mails"][0]["order_id"], "o-1");
  EXPECT_THAT(story["parked"], IsEmpty());
  const auto lines = run({"inbox", "show", "e-1", "-o", "jsonl"}).out;
  EXPECT_THAT(lines, AllOf(HasSubstr("{\"section\":\"inbox\",\"consumer\":\"orders\""),
                           HasSubstr("{\"section\":\"mails\"")));
  const auto csv = run({"inbox", "show", "e-1", "-o", "csv"});
  EXPECT_EQ(csv.exit_code, 64);
  EXPECT_THAT(csv.err, HasSubstr("use -o json or jsonl"));
}

TEST_F(CliInbox, AnEventThatNobodyKnowsSaysWhatThatMeans) {
  add_consumer("orders");
  add_position(5);
  const auto unknown = run({"inbox", "show", "e-9"});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.out, IsEmpty());
  EXPECT_THAT(unknown.err,
              AllOf(HasSubstr("nothing is known of an event e-9"), Not(HasSubstr("pruned"))));
  sql("UPDATE consumer_progress SET dedup_floor = 3");
  EXPECT_THAT(run({"inbox", "show", "e-9"}).err,
              HasSubstr("orders t/0: rows of records below offset 3 were pruned"));
}

TEST_F(CliInbox, ListGoesOnFromPageToPage) {
  add_consumer("orders");
  for (int i = 1; i <= 5; ++i) add_event("e " + std::to_string(i), i);
  const auto first = run({"inbox", "list", "--limit", "2"});
  EXPECT_THAT(first.out, AllOf(HasSubstr("e 1"), HasSubstr("e 2"), Not(HasSubstr("e 3"))));
  EXPECT_THAT(first.err, HasSubstr("there may be more than these 2: kinbox inbox list --consumer "
                                   "orders --after 'e 2' --limit 2\n"));
  const auto last = run({"inbox", "list", "--limit", "2", "--after", "e 4"});
  EXPECT_THAT(last.out, HasSubstr("e 5"));
  EXPECT_THAT(last.err, IsEmpty());
  const auto scanned = run({"inbox", "list", "--verdict", "dead", "--scan", "3"});
  EXPECT_THAT(scanned.out, HasSubstr("(nothing)"));
  EXPECT_THAT(scanned.err, HasSubstr("looked at 3 rows; there are more: kinbox inbox list "
                                     "--consumer orders --verdict dead --after 'e 3' --scan 3\n"));
}

TEST_F(CliInbox, ListWantsToKnowWhoseInbox) {
  EXPECT_THAT(run({"inbox", "list"}).out, HasSubstr("(nothing)"));
  add_consumer("orders");
  add_consumer("mail");
  const auto several = run({"inbox", "list"});
  EXPECT_EQ(several.exit_code, 64);
  EXPECT_THAT(several.err, HasSubstr("name a --consumer: mail, orders"));
  const auto wrong = run({"inbox", "list", "--consumer", "order"});
  EXPECT_EQ(wrong.exit_code, 64);
  EXPECT_THAT(wrong.err, HasSubstr("no inbox of a consumer \"order\"; it has: mail, orders"));
}

TEST_F(CliInbox, VerifyIsQuietWhenAllAgreesAndExitsTwoWhenNot) {
  add_consumer("orders");
  add_event("e-1", 0);
  add_position(1);
  const auto good = run({"inbox", "verify"});
  EXPECT_EQ(good.exit_code, 0) << good.out << good.err;
  EXPECT_THAT(good.out, AllOf(HasSubstr("partitions\nCONSUMER"), HasSubstr("checks\nCHECK")));
  EXPECT_THAT(good.err, IsEmpty());
  sql("DELETE FROM processed_events");
  const auto bad = run({"inbox", "verify", "-o", "json"});
  EXPECT_EQ(bad.exit_code, 2);
  EXPECT_THAT(bad.err, HasSubstr("do not agree"));
  const auto partition = nlohmann::json::parse(bad.out)["partitions"][0];
  EXPECT_EQ(partition["result"], "MISMATCH");
  EXPECT_EQ(partition["applied"], 1);
  EXPECT_EQ(partition["applied_rows"], 0);
}

}  // namespace
}  // namespace kinbox::testing
