#include <gmock/gmock.h>

#include "support/desk_cli.hpp"
#include "support/letters.hpp"

namespace kinbox::cli {
namespace {

using ::testing::HasSubstr;

/// Writes down the ids of the events it takes; what is called "bad" fails.
class Noting : public Handler {
 public:
  void handle(const Event& event, Transaction& tx) override {
    if (event.id() == "bad") throw PermanentError("still broken");
    tx.execute("INSERT INTO main.noted (id) VALUES ($1)", event.id());
  }
};

class CliDlqRetryNow : public kinbox::testing::DeskCli {
 protected:
  void SetUp() override {
    DeskCli::SetUp();
    handler_.event_types = {"*"};
    handler_.make = [](const HandlerContext&) { return std::make_unique<Noting>(); };
    sql(R"(
CREATE TABLE noted (id TEXT NOT NULL);
INSERT INTO consumers (name, group_id) VALUES ('orders', 'orders');
INSERT INTO consumer_progress (consumer, topic, partition, first_offset, next_offset, dead)
  VALUES ('orders', 't', 0, 0, 2, 2);
INSERT INTO letters (consumer, event_id, topic, partition, record_offset, value, fingerprint,
                     reason)
VALUES ('orders', 'fine', 't', 0, 0, CAST('{"eventId":"fine"}' AS BLOB), x'01', 'x'),
       ('orders', 'bad', 't', 0, 1, CAST('{"eventId":"bad"}' AS BLOB), x'01', 'x');
INSERT INTO processed_events (consumer, event_id, topic, partition, record_offset, event_type,
                              verdict, fingerprint)
VALUES ('orders', 'fine', 't', 0, 0, '', 'dead', x'01'),
       ('orders', 'bad', 't', 0, 1, '', 'dead', x'01');)" +
        testing::letters_are("open", ""));
  }
};

TEST_F(CliDlqRetryNow, RunsThisBinarysHandlersWhereNobodyIsAtWork) {
  const auto result = run({"dlq", "retry", "--all", "--yes", "--now"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("orders t/0: tried"));
  EXPECT_EQ(text("SELECT group_concat(id) FROM noted"), "fine");
  EXPECT_EQ(text("SELECT state FROM dead_letters WHERE event_id = 'fine'"), "resolved");
  EXPECT_EQ(text("SELECT state || redrive_count FROM dead_letters WHERE event_id = 'bad'"),
            "open1");
  EXPECT_EQ(text("SELECT applied || ' ' || dead FROM consumer_progress"), "1 1");
}

TEST_F(CliDlqRetryNow, LeavesPartitionsToAnOwnerWhoIsAtWork) {
  sql("INSERT INTO workers (owner, consumer, host, pid, version, seen_until) "
      "VALUES ('w', 'orders', 'here', 1, '1', '9999-01-01');"
      "UPDATE consumer_progress SET owner = 'w', clean_stop = FALSE");
  const auto result = run({"dlq", "retry", "1", "--now"});
  EXPECT_THAT(result.err, HasSubstr("orders t/0: left to the worker that owns it"));
  EXPECT_EQ(text("SELECT state FROM dead_letters WHERE id = 1"), "requested");
}

TEST_F(CliDlqRetryNow, SaysWhatItCannotTry) {
  sql("DELETE FROM consumer_progress;"
      "INSERT INTO letters (consumer, topic, partition, record_offset, fingerprint, reason) "
      "VALUES ('gone', 't', 0, 7, x'01', 'x');" +
      testing::letters_are("open", ""));
  const auto result = run({"dlq", "retry", "--all", "--yes", "--now"});
  EXPECT_THAT(result.err, HasSubstr("orders t/0: left as they are: the consumer never had this"));
  EXPECT_THAT(result.err, HasSubstr("gone: not in the configuration"));
}

TEST_F(CliDlqRetryNow, IsNotForARate) {
  const auto result = run({"dlq", "retry", "1", "--now", "--rate", "5/s"});
  EXPECT_EQ(result.exit_code, 64);
  EXPECT_THAT(result.err, HasSubstr("leave out --rate, or --now"));
}

}  // namespace
}  // namespace kinbox::cli
