// kinbox prune, where no broker can be asked.
#include <SQLiteCpp/Database.h>
#include <gmock/gmock.h>

#include "support/desk_cli.hpp"

namespace kinbox::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class PruneCli : public DeskCli {
 protected:
  void SetUp() override {
    DeskCli::SetUp();
    sql("INSERT INTO consumers (name, group_id) VALUES ('orders', 'g');"
        "INSERT INTO consumer_progress (consumer, topic, partition, first_offset, next_offset, "
        "applied) VALUES ('orders', 't', 0, 0, 100, 100)");
    event("old", 8);
    event("young", 6);
    configure("retention: {inbox: 7d, audit: 400d}\n");
  }

  void event(const std::string& id, int days_ago) {
    sql("INSERT INTO processed_events (consumer, event_id, topic, partition, record_offset, "
        "event_type, verdict, fingerprint, processed_at) VALUES ('orders', '" +
        id + "', 't', 0, " + std::to_string(days_ago) +
        ", 'Paid', 'applied', x'00', strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-" +
        std::to_string(days_ago) + " days'))");
  }
  std::string rows() { return text("SELECT count(*) FROM processed_events"); }
  std::string floor() { return text("SELECT dedup_floor FROM consumer_progress"); }
};

TEST_F(PruneCli, WithoutTheSectionSaysWhatToWrite) {
  configure("");
  const auto result = run({"prune"});
  EXPECT_EQ(result.exit_code, 78);
  EXPECT_THAT(result.err, HasSubstr("add retention: {inbox: 30d}"));
}

TEST_F(PruneCli, DoesNothingWhileTheTopicCannotBeAskedFor) {
  const auto result = run({"prune"});
  EXPECT_EQ(result.exit_code, 69);
  EXPECT_THAT(result.err, HasSubstr("--confirm CONSUMER prunes without asking"));
  EXPECT_EQ(rows(), "2");
}

TEST_F(PruneCli, ConfirmedByNameDeletesSaysWhatAndIsAudited) {
  const auto pruned = answer({"prune", "--confirm", "orders", "--note", "disk"});
  ASSERT_EQ(pruned.size(), 3U) << pruned;
  EXPECT_EQ(pruned[0]["what"], "inbox");
  EXPECT_EQ(pruned[0]["consumer"], "orders");
  EXPECT_EQ(pruned[0]["partition"], "t/0");
  EXPECT_EQ(pruned[0]["rows"], 1);
  EXPECT_EQ(pruned[0]["floor"], 9);
  EXPECT_EQ(pruned[1]["what"], "outbox") << "its window is outbox.retention";
  EXPECT_EQ(rows(), "1");
  EXPECT_EQ(floor(), "9");
  EXPECT_EQ(text("SELECT who || ' ' || action || ' ' || consumer || ' ' || affected || ' ' || "
                 "outcome || ' ' || reason FROM audit"),
            "zoe@desk prune orders 1 done disk");
  EXPECT_THAT(text("SELECT filter FROM audit"),
              AllOf(HasSubstr("inbox 7d"), HasSubstr("confirmed: orders")));
}

TEST_F(PruneCli, AgreedToInTheConfigurationAsksNobody) {
  configure("retention: {inbox: 7d, confirm: [orders]}\n");
  EXPECT_EQ(run({"prune"}).exit_code, 0);
  EXPECT_EQ(rows(), "1");
}

TEST_F(PruneCli, ADryRunChangesNothingAndNamesWhatItCouldNotAsk) {
  const auto result = run({"prune", "--dry-run", "-o", "csv"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, HasSubstr("inbox,orders,t/0,1,9"));
  EXPECT_THAT(result.err, AllOf(HasSubstr("cannot be asked"), HasSubstr("nothing was changed")));
  EXPECT_EQ(rows(), "2");
  EXPECT_EQ(floor(), "0");
  EXPECT_EQ(text("SELECT count(*) FROM audit"), "0");
}

TEST_F(PruneCli, IsRefusedWhileAReplayTrustsTheInbox) {
  configure("retention: {inbox: 7d, confirm: [orders]}\n");
  sql("INSERT INTO replays (consumer, mode, plan_hash, plan, who) "
      "VALUES ('orders', 'fill', 'h', '{}', 'max')");
  const auto refused = run({"prune"});
  EXPECT_EQ(refused.exit_code, 3);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("consumer orders: replay 1 has not ended"),
                                 HasSubstr("--confirm orders")));
  EXPECT_EQ(rows(), "2");
  EXPECT_THAT(run({"prune", "--dry-run"}).err, HasSubstr("would be refused: consumer orders"));
  EXPECT_EQ(run({"prune", "--confirm", "orders"}).exit_code, 0);
  EXPECT_EQ(rows(), "1");
}

TEST_F(PruneCli, OfOneConsumerLeavesTheTablesOfAll) {
  const auto pruned = answer({"prune", "--consumer", "orders", "--confirm", "orders"});
  ASSERT_EQ(pruned.size(), 1U);
  EXPECT_EQ(pruned[0]["what"], "inbox");
}

TEST_F(PruneCli, NamesThatAreNoneAreUsageErrors) {
  EXPECT_EQ(run({"prune", "--consumer", "order"}).exit_code, 64);
  const auto result = run({"prune", "--confirm", "order"});
  EXPECT_EQ(result.exit_code, 64);
  EXPECT_THAT(result.err, HasSubstr("\"order\""));
}

TEST_F(PruneCli, MailsNeedANameOfTheirOwn) {
  configure("retention: {mail: 7d}\n");
  EXPECT_EQ(run({"prune"}).exit_code, 69);
  EXPECT_EQ(run({"prune", "--confirm", "mail"}).exit_code, 0);
}

TEST_F(PruneCli, AFileOfANewMakeBecomesSmaller) {
  sql("WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 20000) "
      "INSERT INTO processed_events (consumer, event_id, topic, partition, record_offset, "
      "event_type, verdict, fingerprint, processed_at) SELECT 'orders', 'e-' || n, 't', 0, 1, "
      "'Paid', 'applied', x'00', '2020-01-01T00:00:00.000Z' FROM s");
  const auto result = run({"prune", "--confirm", "orders"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, Not(HasSubstr("VACUUM")));
  SQLite::Database raw((directory() / "k.db").string(), SQLite::OPEN_READONLY);
  EXPECT_EQ(raw.execAndGet("PRAGMA freelist_count").getInt(), 0);
  EXPECT_EQ(raw.execAndGet("PRAGMA auto_vacuum").getInt(), 2);
}

TEST_F(PruneCli, ALongReaderIsNeitherDisturbedNorWaitedFor) {
  SQLite::Database raw((directory() / "k.db").string(), SQLite::OPEN_READONLY);
  raw.exec("BEGIN");
  const auto seen = [&] {
    return raw.execAndGet("SELECT count(*) FROM processed_events").getInt();
  };
  ASSERT_EQ(seen(), 2);
  EXPECT_EQ(run({"prune", "--confirm", "orders"}).exit_code, 0);
  EXPECT_EQ(rows(), "1");
  EXPECT_EQ(seen(), 2) << "it sees what there was when it began";
  raw.exec("COMMIT");
  EXPECT_EQ(seen(), 1);
}

TEST_F(PruneCli, AnOlderFileKeepsItsPagesAndSaysWhatToDo) {
  SQLite::Database raw((directory() / "k.db").string(), SQLite::OPEN_READWRITE);
  raw.exec("PRAGMA auto_vacuum = NONE");
  raw.exec("VACUUM");
  raw.exec(
      "WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 20000) "
      "INSERT INTO processed_events (consumer, event_id, topic, partition, record_offset, "
      "event_type, verdict, fingerprint, processed_at) SELECT 'orders', 'e-' || n, 't', 0, 1, "
      "'Paid', 'applied', x'00', '2020-01-01T00:00:00.000Z' FROM s");
  const auto result = run({"prune", "--confirm", "orders"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, HasSubstr("VACUUM"));
  EXPECT_EQ(rows(), "1");
}

}  // namespace
}  // namespace kinbox::testing
