#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/desk_cli.hpp"

namespace kinbox::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class CliParkedAct : public kinbox::testing::DeskCli {
 protected:
  /// Rows 1 and 2 are one queue, 3 has no key, 4 is of a consumer that this configuration lacks.
  void park() {
    sql(R"(
INSERT INTO consumers (name, group_id) VALUES ('orders', 'orders'), ('stranger', 's');
INSERT INTO consumer_progress (consumer, topic, partition, first_offset, next_offset, parked)
  VALUES ('orders', 't', 0, 0, 3, 3), ('stranger', 't', 0, 0, 1, 1);
INSERT INTO parked_events (consumer, event_id, topic, partition, record_offset, key, value,
    fingerprint, reason, due_at, queue) VALUES
 ('orders', 'e-1', 't', 0, 11, CAST('o-1' AS BLOB), x'31', x'01', 'retries_exhausted',
  '2999-01-01T00:00:00.000Z', 7),
 ('orders', 'e-2', 't', 0, 12, CAST('o-1' AS BLOB), x'32', x'01', 'behind_parked', NULL, 7),
 ('orders', 'e-3', 't', 0, 13, NULL, x'33', x'01', 'retries_exhausted',
  '2999-01-01T00:00:00.000Z', 8),
 ('stranger', 'e-1', 't', 0, 11, CAST('o-1' AS BLOB), x'34', x'01', 'retries_exhausted',
  '2999-01-01T00:00:00.000Z', 7);)");
  }
  std::string due() {
    return text("SELECT group_concat(id) FROM parked_events WHERE due_at < '2999'");
  }
};

TEST_F(CliParkedAct, RetryMakesTheFirstOfAQueueDue) {
  park();
  EXPECT_EQ(answer({"parked", "retry", "1"})[0]["due"], 1);
  EXPECT_EQ(due(), "1");
  EXPECT_EQ(text("SELECT action || filter || affected || outcome FROM audit"),
            "parked retry11done");
}

TEST_F(CliParkedAct, WhatCannotBeDoneIsSaidAndTheRestIsDone) {
  park();
  const auto result = run({"parked", "retry", "1", "2", "99"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("event 2 waits behind event 1 of its key"),
                                HasSubstr("there is no parked event 99")));
  EXPECT_EQ(due(), "1");
  const auto released = run({"parked", "release", "3"});
  EXPECT_EQ(released.exit_code, 1);
  EXPECT_THAT(released.err, HasSubstr("event 3 has no key"));
}

TEST_F(CliParkedAct, InBulkIsAskedForAndTakesTheFirstOfEveryQueue) {
  park();
  EXPECT_EQ(run({"parked", "retry", "--all"}).exit_code, 64) << "nobody to ask";
  EXPECT_THAT(run({"parked", "retry", "--all", "--dry-run"}).err, HasSubstr("nothing was changed"));
  EXPECT_EQ(text("SELECT count(*) FROM audit"), "0");
  EXPECT_EQ(answer({"parked", "retry", "--all", "--limit", "2", "--yes"})[0]["due"], 2);
  EXPECT_EQ(answer({"parked", "retry", "--consumer", "orders", "--yes"})[0]["due"], 2);
  const auto nothing = run({"parked", "retry", "--key", "nobody", "--yes"});
  EXPECT_EQ(nothing.exit_code, 0);
  EXPECT_THAT(nothing.err, HasSubstr("nothing matches: no parked event for --key nobody"));
}

TEST_F(CliParkedAct, NotAgreedToOrMovedChangesNothing) {
  park();
  types("n");
  EXPECT_EQ(run({"parked", "release", "--key", "o-1"}).exit_code, 1);
  EXPECT_THAT(asked(), HasSubstr("About to release 2 parked events. Go on?"));
  types("y", [this] { sql("DELETE FROM parked_events WHERE id = 4"); });
  const auto moved = run({"parked", "release", "--key", "o-1"});
  EXPECT_EQ(moved.exit_code, 3);
  EXPECT_THAT(moved.err, HasSubstr("asked about 2 parked events, and now there are 1"));
  EXPECT_EQ(due(), "NULL");
}

TEST_F(CliParkedAct, ReleaseLetsTheOthersOfAKeyGoOn) {
  park();
  EXPECT_EQ(answer({"parked", "release", "1"})[0]["released"], 1);
  EXPECT_EQ(due(), "1,2");
}

TEST_F(CliParkedAct, DeadLetterTakesAnyByItsIdAndWholeQueuesIfTold) {
  park();
  EXPECT_EQ(answer({"parked", "dead-letter", "2"})[0]["dead"], 2);
  EXPECT_EQ(text("SELECT event_id FROM dead_letters"), "e-2");
  EXPECT_EQ(text("SELECT topic FROM outbox"), "dlq.orders.t");
  EXPECT_EQ(answer({"parked", "dead-letter", "--consumer", "stranger", "--yes"})[0]["dead"], 1);
  EXPECT_EQ(text("SELECT count(*) FROM outbox"), "1") << "nobody knows the stranger's topic";
  sql("INSERT INTO parked_events (consumer, event_id, topic, partition, record_offset, key, "
      "fingerprint, queue) VALUES ('orders', 'e-5', 't', 0, 15, CAST('o-1' AS BLOB), x'01', 7)");
  EXPECT_EQ(answer({"parked", "dead-letter", "--key", "o-1", "--whole-queues", "--yes"})[0]["dead"],
            2);
  EXPECT_EQ(text("SELECT count(*) FROM parked_events"), "1");
}

TEST_F(CliParkedAct, ALineThatMakesNoSenseIsUsage) {
  for (const auto& line :
       std::vector<std::vector<std::string>>{{"parked", "retry"},
                                             {"parked", "release", "1", "--all"},
                                             {"parked", "dead-letter", "1", "--key", "k"},
                                             {"parked", "retry", "--all", "--limit", "0"}})
    EXPECT_EQ(run(line).exit_code, 64) << ::testing::PrintToString(line);
}

}  // namespace
}  // namespace kinbox::cli
