#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/config/load.hpp"
#include "cli/config/show.hpp"
#include "cli/consumer_spec.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/outbox.hpp"
#include "support/desk_cli.hpp"

namespace kinbox::cli {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class CliOutbox : public kinbox::testing::DeskCli {
 protected:
  json answer(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "outbox");
    return DeskCli::answer(std::move(arguments));
  }

  /// Row 1 is refused, 2 pending behind it, 3 sent; all of topic payments but 4, pending.
  void fill() {
    const auto opened = database();
    const auto tx = opened->begin();
    const Outbox outbox(opened->dialect(), {.source = "/shop"});
    for (const auto* id : {"p-1", "p-2", "p-3", "p-4"})
      outbox.emit(*tx, {.topic = id == std::string("p-4") ? "shipments" : "payments",
                        .key = "o-1",
                        .id = id,
                        .type = "payment.completed",
                        .headers = {{"trace", "\xFF"}},
                        .payload = R"({"a":1})"});
    tx->commit();
    sql("UPDATE outbox SET state = 'refused', attempts = 1, last_error = 'too large' WHERE id = 1;"
        "UPDATE outbox SET state = 'sent', sent_at = created_at WHERE id = 3");
  }

  static std::vector<std::int64_t> ids(const json& rows, const char* column = "id") {
    std::vector<std::int64_t> found;
    for (const auto& row : rows) found.push_back(row[column]);
    return found;
  }

  std::string state(int id) {
    for (const auto& row : answer({"list", "--state", "all"}))
      if (row["id"] == id) return row["state"];
    return "none";
  }
};

TEST_F(CliOutbox, StatusCountsByTopicAndState) {
  fill();
  sql("UPDATE outbox SET state = 'discarded' WHERE id = 2");
  const auto rows = answer({"status"});
  ASSERT_THAT(rows, SizeIs(2));
  EXPECT_EQ(rows[0]["topic"], "payments");
  EXPECT_EQ(rows[0]["pending"], 0);
  EXPECT_EQ(rows[0]["refused"], 1);
  EXPECT_EQ(rows[0]["sent"], 1);
  EXPECT_EQ(rows[0]["discarded"], 1);
  EXPECT_EQ(rows[0]["oldest_pending"], nullptr);
  EXPECT_EQ(rows[0]["last_error"], "too large");
  EXPECT_EQ(rows[1]["pending"], 1);
  EXPECT_NE(rows[1]["oldest_pending"], nullptr);
}

TEST_F(CliOutbox, CheckFindsWhatIsRefusedWhatFailsAndThatNobodySends) {
  EXPECT_EQ(run({"outbox", "status", "--check"}).exit_code, 0) << "there is nothing";
  fill();
  const auto lease = "UPDATE outbox_lanes SET token = 'x', leased_until = '2999-01-01T00:00:00Z'";
  sql(lease);
  EXPECT_EQ(run({"outbox", "status", "--check"}).exit_code, 2) << "one is refused";
  EXPECT_EQ(run({"outbox", "status"}).exit_code, 0);
  sql("UPDATE outbox SET state = 'sent' WHERE id = 1");
  EXPECT_EQ(run({"outbox", "status", "--check"}).exit_code, 0);
  sql("UPDATE outbox SET last_error = 'unknown topic' WHERE id = 4");
  EXPECT_EQ(run({"outbox", "status", "--check"}).exit_code, 2) << "one fails for now";
  sql("UPDATE outbox SET last_error = ''; UPDATE outbox_lanes SET leased_until = NULL");
  const auto nobody = run({"outbox", "status", "--check"});
  EXPECT_EQ(nobody.exit_code, 2);
  EXPECT_THAT(nobody.err, HasSubstr("2 rows are pending, and no relay is at work"));
}

TEST_F(CliOutbox, ListShowsWhatIsNotSentUnlessToldOtherwise) {
  fill();
  EXPECT_THAT(ids(answer({"list"})), ElementsAre(1, 2, 4));
  EXPECT_THAT(ids(answer({"list", "--state", "refused"})), ElementsAre(1));
  EXPECT_THAT(ids(answer({"list", "--state", "all"})), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(ids(answer({"list", "--topic", "payments"})), ElementsAre(1, 2));
  const auto row = answer({"list", "--state", "refused"})[0];
  EXPECT_EQ(row["message_id"], "p-1");
  EXPECT_EQ(row["type"], "payment.completed");
  EXPECT_EQ(row["key"], "o-1");
  EXPECT_EQ(row["attempts"], 1);
  EXPECT_EQ(row["last_error"], "too large");
}

TEST_F(CliOutbox, ListEndsAtItsLimitAndSaysSo) {
  fill();
  const auto result = run({"outbox", "list", "--limit", "2", "-o", "json"});
  EXPECT_THAT(ids(json::parse(result.out)), ElementsAre(1, 2));
  EXPECT_THAT(result.err, HasSubstr("there may be more"));
  EXPECT_THAT(run({"outbox", "list", "--limit", "20"}).err, IsEmpty());
}

TEST_F(CliOutbox, ShowTellsEverythingAboutARow) {
  fill();
  std::map<std::string, json> facts;
  for (const auto& row : answer({"show", "1"})) facts[row["name"]] = row["value"];
  EXPECT_EQ(facts["state"], "refused");
  EXPECT_EQ(facts["header ce_source"], "/shop");
  EXPECT_EQ(facts["header trace"], "base64:/w==");
  EXPECT_EQ(facts["value"], R"({"a":1})");
  EXPECT_EQ(facts["sent_at"], nullptr);
}

TEST_F(CliOutbox, ShowFindsTheRecordOfADeadLetter) {
  sql("INSERT INTO letters (consumer, topic, partition, record_offset, fingerprint, reason, "
      "value) VALUES ('orders', 't', 0, 13, x'00', 'undecodable', x'6869');"
      "INSERT INTO outbox (lane, message_id, topic, dead_letter_id) VALUES (1, 'm', 'dlq.t', 1)");
  std::map<std::string, json> facts;
  for (const auto& row : answer({"show", "1"})) facts[row["name"]] = row["value"];
  EXPECT_EQ(facts["dead_letter"], "1");
  EXPECT_EQ(facts["value"], "hi");
}

TEST_F(CliOutbox, ShowOfNothingFails) {
  const auto result = run({"outbox", "show", "17"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("no row 17"));
}

TEST_F(CliOutbox, RetrySendsRefusedRowsAgainAndNoOthers) {
  fill();
  EXPECT_THAT(ids(answer({"retry", "1"}), "retried"), ElementsAre(1));
  EXPECT_EQ(state(1), "pending");
  const auto result = run({"outbox", "retry", "3", "99"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("row 3 is not retried"), HasSubstr("row 99")));
  EXPECT_EQ(state(3), "sent");
}

TEST_F(CliOutbox, DiscardTakesRefusedRowsAndByIdPendingOnes) {
  fill();
  EXPECT_THAT(ids(answer({"discard", "--all"}), "discarded"), ElementsAre(1));
  EXPECT_EQ(state(2), "pending");
  EXPECT_THAT(ids(answer({"discard", "2"}), "discarded"), ElementsAre(2));
  EXPECT_EQ(run({"outbox", "discard", "3"}).exit_code, 1);
  EXPECT_EQ(state(3), "sent");
}

TEST_F(CliOutbox, AllMayMeanOneTopic) {
  fill();
  sql("UPDATE outbox SET state = 'refused'");
  EXPECT_THAT(ids(answer({"retry", "--all", "--topic", "shipments"}), "retried"), ElementsAre(4));
  EXPECT_THAT(answer({"retry", "--all"}), SizeIs(3));
}

TEST_F(CliOutbox, ALineThatMakesNoSenseIsUsage) {
  for (const auto& line :
       std::vector<std::vector<std::string>>{{"outbox"},
                                             {"outbox", "show"},
                                             {"outbox", "show", "x"},
                                             {"outbox", "list", "--state", "lost"},
                                             {"outbox", "list", "--limit", "0"},
                                             {"outbox", "retry"},
                                             {"outbox", "retry", "1", "--all"},
                                             {"outbox", "discard", "1", "--topic", "t"}})
    EXPECT_EQ(run(line).exit_code, 64) << ::testing::PrintToString(line);
}

TEST_F(CliOutbox, AMissingDatabaseIsUnavailableAndAnOldOneRefused) {
  sql("DELETE FROM schema_history WHERE version = 2");
  EXPECT_EQ(run({"outbox", "status"}).exit_code, 3);
  std::filesystem::remove(database_file());
  EXPECT_EQ(run({"outbox", "list"}).exit_code, 69);
}

Config parsed(const std::string& outbox, const std::string& database = "{sqlite: k.db}") {
  return parse_config("kafka: {bootstrap.servers: '127.0.0.1:1'}\ndatabase: " + database +
                          "\nconsumers: [{name: orders, topics: [t], handlers: [h]}]\n" + outbox,
                      "kinbox.yaml", {});
}

std::string refusal(const std::string& outbox) {
  try {
    parsed(outbox);
  } catch (const ConfigurationError& e) {
    return e.what();
  }
  return "(accepted)";
}

TEST(OutboxConfiguration, HasDefaults) {
  const auto outbox = parsed("").outbox;
  EXPECT_EQ(outbox.relay, OutboxConfig::Relay::kRun);
  EXPECT_EQ(outbox.max_event, 1'000'000U);
  EXPECT_EQ(outbox.retention, std::chrono::days{7});
  EXPECT_FALSE(outbox.source.has_value());
}

TEST(OutboxConfiguration, ReachesHandlersAndIsShown) {
  const auto config =
      parsed("outbox: {relay: cdc, source: /shop, max_event: 2MiB, retention: 1d}\n",
             "{postgres: 'postgresql://u@h/d'}");
  HandlerSpec spec;
  spec.name = "h";
  spec.event_types = {"*"};
  OutboxOptions seen;
  class Nothing : public Handler {
    void handle(const Event&, Transaction&) override {}
  };
  spec.make = [&](const HandlerContext& context) {
    seen = context.outbox;
    return std::make_unique<Nothing>();
  };
  const auto made = make_spec(config.consumers[0], config, std::vector{spec});
  for (const auto& options : {seen, made.outbox}) {
    EXPECT_EQ(options.relay, OutboxOptions::Relay::kCdc);
    EXPECT_EQ(options.source, "/shop");
    EXPECT_EQ(options.max_bytes, std::size_t{2} << 20);
  }
  std::map<std::string, std::string> shown;
  for (const auto& row : show_config(config).rows)
    shown[std::get<std::string>(row[0])] = std::get<std::string>(row[1]);
  EXPECT_EQ(shown["outbox.relay"], "cdc");
  EXPECT_EQ(shown["outbox.source"], "/shop");
  EXPECT_EQ(shown["outbox.max_event"], "2MiB");
  EXPECT_EQ(shown["outbox.retention"], "1d");
}

TEST(OutboxConfiguration, RefusesWhatCannotWork) {
  EXPECT_THAT(refusal("outbox: {relay: cdc}\n"), HasSubstr("with SQLite"));
  EXPECT_THAT(refusal("outbox: {relay: debezium}\n"), HasSubstr("cannot be \"debezium\""));
  EXPECT_THAT(refusal("outbox: {source: a b}\n"), HasSubstr("is no URI reference"));
  EXPECT_THAT(refusal("outbox: {retain: 1d}\n"), HasSubstr("retain"));
}

}  // namespace
}  // namespace kinbox::cli
