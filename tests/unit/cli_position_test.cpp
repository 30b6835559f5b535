// `kinbox position` with Kafka away: what needs none of it.
#include <gmock/gmock.h>

#include <fstream>

#include "support/desk_cli.hpp"

namespace kinbox::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CliPosition : public DeskCli {
 protected:
  void SetUp() override {
    DeskCli::SetUp();
    sql("INSERT INTO consumers (name, group_id) VALUES ('orders', 'shop'), ('mail', 'post');"
        "INSERT INTO consumer_progress (consumer, topic, partition, first_offset, next_offset, "
        "applied, dedup_floor, epoch, owner, state, state_reason) VALUES "
        "('orders', 't', 0, 10, 42, 32, 20, 7, 'me', 'halted', 'retries_exhausted: no stock'),"
        "('orders', 't', 1, 0, 5, 5, 0, 1, 'you', 'running', ''),"
        "('mail', 'm', 0, 0, 3, 3, 0, 1, 'me', 'halted', 'gap: m/0 starts at 9')");
  }
};

TEST_F(CliPosition, ShowsWhatTheDatabaseKnowsAndSaysWhatItCouldNotAsk) {
  const auto result = run({"position", "show", "--kafka-timeout", "300ms", "-o", "json"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, AllOf(HasSubstr("not known from Kafka: "),
                                HasSubstr("orders t/0 stands at 42: retries_exhausted: no stock")));
  const auto rows = nlohmann::json::parse(result.out);
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[1]["consumer"], "orders");
  EXPECT_EQ(rows[1]["group"], "shop");
  EXPECT_EQ(rows[1]["position"], 42);
  EXPECT_EQ(rows[1]["first_offset"], 10);
  EXPECT_EQ(rows[1]["known_from"], 20);
  EXPECT_EQ(rows[1]["epoch"], 7);
  EXPECT_EQ(rows[1]["owner"], "me");
  EXPECT_EQ(rows[1]["state"], "halted");
  EXPECT_EQ(rows[1]["state_reason"], "retries_exhausted: no stock");
  for (const auto* column : {"committed", "log_start", "log_end", "lag"})
    EXPECT_TRUE(rows[1][column].is_null()) << column;
  EXPECT_EQ(rows[2]["state"], "stopped");
}

TEST_F(CliPosition, ShowsWhatWaitsForAReplay) {
  sql("UPDATE consumer_progress SET held_by = 1 WHERE topic = 't' AND partition = 1");
  EXPECT_EQ(answer({"position", "show", "--no-kafka", "--topic", "t:1"})[0]["state"], "held");
}

TEST_F(CliPosition, ShowsWhatIsChosen) {
  EXPECT_EQ(answer({"position", "show", "--no-kafka", "--consumer", "orders"}).size(), 2U);
  EXPECT_EQ(answer({"position", "show", "--no-kafka", "--topic", "t:1", "--topic", "m"}).size(),
            2U);
  const auto none = run({"position", "show", "--no-kafka", "--topic", "t:9"});
  EXPECT_EQ(none.exit_code, 0);
  EXPECT_THAT(none.err, HasSubstr("there is no such position"));
}

TEST_F(CliPosition, ExportsLinesThatKafkasCommandReads) {
  EXPECT_EQ(run({"position", "export", "--consumer", "orders"}).out, "t,0,42\nt,1,5\n");
  EXPECT_EQ(run({"position", "export"}).out, "post,m,0,3\nshop,t,0,42\nshop,t,1,5\n");
  EXPECT_EQ(run({"position", "export", "--consumer", "none"}).exit_code, 1);
}

TEST_F(CliPosition, ReleasesWhatIsHaltedAfterAsking) {
  types("n");
  EXPECT_EQ(run({"position", "release"}).exit_code, 1);
  EXPECT_THAT(asked(), HasSubstr("About to have 1 halted partition of orders tried again"));
  EXPECT_EQ(text("SELECT state FROM consumer_progress WHERE topic = 't' AND partition = 0"),
            "halted");
  types("y");
  const auto result = run({"position", "release", "--note", "stock is back"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err,
              HasSubstr("1 halted partition of orders released, row 1 of kinbox audit"));
  EXPECT_EQ(text("SELECT state || state_reason || control_version FROM consumer_progress "
                 "WHERE topic = 't' AND partition = 0"),
            "running1");
  EXPECT_EQ(text("SELECT who || '|' || action || '|' || consumer || '|' || filter || '|' || reason "
                 "FROM audit"),
            "zoe@desk|position release|orders|t/0 at 42|stock is back");
  const auto again = run({"position", "release", "--yes"});
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_THAT(again.err, HasSubstr("none of these partitions is halted"));
}

TEST_F(CliPosition, ADryRunReleasesNothing) {
  const auto result = run({"position", "release", "--dry-run", "-o", "json"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(nlohmann::json::parse(result.out)[0]["position"], 42);
  EXPECT_EQ(text("SELECT count(*) FROM audit"), "0");
}

TEST_F(CliPosition, WithoutATerminalYesMustBeSaid) {
  const auto result = run({"position", "release"});
  EXPECT_EQ(result.exit_code, 64);
  EXPECT_THAT(result.err, HasSubstr("--yes"));
}

TEST_F(CliPosition, AcceptsNoGapWhereThereIsNone) {
  const auto result = run({"position", "accept-gap"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("none of these partitions is halted for want of its records"));
  EXPECT_EQ(run({"position", "accept-gap", "--until-offset", "9"}).exit_code, 64);
}

TEST_F(CliPosition, AcceptsNoGapWithoutKafka) {
  sql("UPDATE consumer_progress SET state_reason = 'gap: t/0 starts at 90' WHERE next_offset = 42");
  EXPECT_EQ(run({"position", "accept-gap", "--yes", "--kafka-timeout", "300ms"}).exit_code, 69);
  EXPECT_EQ(text("SELECT next_offset FROM consumer_progress WHERE gaps > 0"), "(none)");
}

TEST_F(CliPosition, IsNotSetWithoutKafka) {
  EXPECT_EQ(
      run({"position", "set", "--to-offset", "1", "--yes", "--kafka-timeout", "300ms"}).exit_code,
      69);
  EXPECT_EQ(text("SELECT next_offset FROM consumer_progress WHERE topic = 't' AND partition = 0"),
            "42");
}

TEST_F(CliPosition, SaysWhatALineLacks) {
  const auto refused = [&](std::vector<std::string> arguments, const std::string& why) {
    const auto result = run(std::move(arguments));
    EXPECT_EQ(result.exit_code, 64);
    EXPECT_THAT(result.err, HasSubstr(why));
  };
  const auto file = (directory() / "set.csv").string();
  std::ofstream(file) << "t,0,5\n";
  refused({"position", "set"}, "say where to: --to-earliest");
  refused({"position", "set", "--to-datetime", "2026-01-31T12:00:00"}, "does not say its zone");
  refused({"position", "set", "--to-latest", "--consumer", "ordres"}, "did you mean \"orders\"");
  refused({"position", "set", "--from-file", file, "--topic", "t"}, "the file says which");
  refused({"position", "import", file + ".none"}, "cannot be read");
  std::ofstream(file) << "";
  refused({"position", "import", file}, "has no lines");
}

TEST_F(CliPosition, OfSeveralConsumersOneIsNamed) {
  std::ofstream(directory() / "two.yaml")
      << "kafka: {bootstrap.servers: '127.0.0.1:1'}\ndatabase: {sqlite: k.db}\nconsumers:\n"
         "  - {name: orders, topics: [t], handlers: [h]}\n"
         "  - {name: mail, topics: [m], handlers: [h]}\n";
  const auto result =
      run_cli({"position", "release", "-c", (directory() / "two.yaml").string()}, {});
  EXPECT_EQ(result.exit_code, 64);
  EXPECT_THAT(result.err, HasSubstr("--consumer: say which"));
  EXPECT_THAT(result.err, HasSubstr("orders, mail"));
  EXPECT_THAT(result.out, IsEmpty());
}

}  // namespace
}  // namespace kinbox::testing
