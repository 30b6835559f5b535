#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "kinbox/sqlite/database.hpp"
#include "support/in_process_cli.hpp"
#include "support/temporary_directory.hpp"

namespace kinbox::cli {
namespace {

using kinbox::testing::CliResult;
using kinbox::testing::run_cli;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kConfiguration = R"(
kafka: {bootstrap.servers: '127.0.0.1:1'}
database: {sqlite: k.db}
consumers: [{name: orders, topics: [t], handlers: [h]}]
)";

class CliDlq : public ::testing::Test {
 protected:
  void SetUp() override {
    std::ofstream(config_) << kConfiguration;
    ASSERT_EQ(run({"migrate", "up"}).exit_code, 0);
  }

  CliResult run(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"-c", config_.string()});
    HandlerSpec spec;
    spec.name = "h";
    return run_cli(arguments, {spec});
  }

  json answer(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"-o", "json"});
    const auto result = run(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return json::parse(result.out);
  }

  void sql(const std::string& script) {
    const auto database = sqlite::open({.path = (directory_ / "k.db").string()});
    const auto tx = database->begin();
    database->run_script(*tx, script);
    tx->commit();
  }

  /// Letters 1 to 4: two of one cause, one of another, one of another consumer; 3 is resolved.
  void fill() {
    sql(R"(
INSERT INTO dead_letters (consumer, event_id, event_type, topic, partition, record_offset,
    record_timestamp_ms, key, value, headers, fingerprint, reason, handler, error_type, error_code,
    error_text, error_group, attempts, first_failed_at, dead_at, state, redrive_count) VALUES
 ('orders', 'e-1', 'OrderCreated', 'orders', 0, 11, 1700000000123, CAST('o-1' AS BLOB),
  CAST('{"total":12.50}' AS BLOB), '[["trace","eA=="],["empty",""],["none",null]]', x'01',
  'handler_rejected', 'stock', 'Sold', 'out', 'nothing left of 17', 'aaaaaaaaaaaaaaaa', 5,
  '2026-01-31T11:59:00.000Z', '2026-01-31T12:00:00.000Z', 'open', 2),
 ('orders', 'e-2', 'OrderCreated', 'orders', 1, 12, NULL, NULL, NULL, '[]', x'01',
  'handler_rejected', 'stock', 'Sold', 'out', 'nothing left of 18', 'aaaaaaaaaaaaaaaa', 5, NULL,
  '2026-01-31T13:00:00.000Z', 'requested', 1),
 ('orders', 'e-3', 'OrderPaid', 'payments', 0, 13, NULL, x'00FF', x'', '[]', x'01',
  'retries_exhausted', 'ledger', 'std::runtime_error', '', 'no', 'bbbbbbbbbbbbbbbb', 1, NULL,
  '2026-02-01T00:00:00.000Z', 'resolved', 0),
 ('mail', NULL, '', 'orders', 0, 14, NULL, NULL, CAST('{' AS BLOB), '[]', x'01', 'undecodable',
  '', '', '', 'not JSON', 'cccccccccccccccc', 0, NULL, '2026-02-02T00:00:00.000Z', 'open', 0);)");
  }

  std::vector<std::int64_t> listed(std::vector<std::string> filters) {
    filters.insert(filters.begin(), {"dlq", "list"});
    std::vector<std::int64_t> ids;
    for (const auto& row : answer(std::move(filters))) ids.push_back(row["id"]);
    return ids;
  }

  kinbox::testing::TemporaryDirectory directory_;
  std::filesystem::path config_ = directory_ / "kinbox.yaml";
};

TEST_F(CliDlq, GroupsCountWhatIsOpenByCauseTheLargestFirst) {
  fill();
  const auto groups = answer({"dlq", "groups"});
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0], json::parse(R"({"group": "aaaaaaaaaaaaaaaa", "consumer": "orders",
      "reason": "handler_rejected", "handler": "stock", "error_type": "Sold", "error_code": "out",
      "letters": 2, "requested": 1, "first_seen": "2026-01-31T12:00:00.000Z",
      "last_seen": "2026-01-31T13:00:00.000Z", "redrives": 3, "sample": 2,
      "error_text": "nothing left of 18"})"));
  EXPECT_EQ(groups[1]["consumer"], "mail");
  EXPECT_EQ(groups[1]["letters"], 1);
}

TEST_F(CliDlq, GroupsAreChosenByConsumerAndState) {
  fill();
  EXPECT_EQ(answer({"dlq", "groups", "--consumer", "mail"}).size(), 1U);
  EXPECT_EQ(answer({"dlq", "groups", "--consumer", "nobody"}).size(), 0U);
  EXPECT_EQ(answer({"dlq", "groups", "--state", "resolved"})[0]["group"], "bbbbbbbbbbbbbbbb");
  EXPECT_EQ(answer({"dlq", "groups", "--state", "all"}).size(), 3U);
  EXPECT_EQ(run({"dlq", "groups", "--state", "shut"}).exit_code, 64);
}

TEST_F(CliDlq, GroupsEndAtTheirLimitAndSaySo) {
  fill();
  const auto result = run({"dlq", "groups", "--limit", "1"});
  EXPECT_THAT(result.out, AllOf(HasSubstr("aaaaaaaaaaaaaaaa"), Not(HasSubstr("cccccccccccccccc"))));
  EXPECT_THAT(result.err, HasSubstr("there may be more than these 1"));
}

TEST_F(CliDlq, NothingThatFailedIsAnAnswerToo) {
  const auto groups = run({"dlq", "groups"});
  EXPECT_EQ(groups.exit_code, 0);
  EXPECT_EQ(groups.out, "(nothing)\n");
  const auto list = run({"dlq", "list", "--group", "0123456789abcdef"});
  EXPECT_EQ(list.exit_code, 0);
  EXPECT_EQ(list.out, "(nothing)\n");
  EXPECT_THAT(list.err, IsEmpty());
}

TEST_F(CliDlq, ListTakesEveryFilter) {
  fill();
  EXPECT_THAT(listed({}), ElementsAre(1, 2, 4));
  EXPECT_THAT(listed({"--state", "all"}), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(listed({"--state", "open"}), ElementsAre(1, 4));
  EXPECT_THAT(listed({"--state", "resolved", "--state", "requested"}), ElementsAre(2, 3));
  EXPECT_THAT(listed({"--consumer", "mail"}), ElementsAre(4));
  EXPECT_THAT(listed({"--group", "aaaaaaaaaaaaaaaa"}), ElementsAre(1, 2));
  EXPECT_THAT(listed({"--reason", "undecodable"}), ElementsAre(4));
  EXPECT_THAT(listed({"--handler", "stock", "--partition", "1"}), ElementsAre(2));
  EXPECT_THAT(listed({"--error-class", "Sold"}), ElementsAre(1, 2));
  EXPECT_THAT(listed({"--error-class", "out", "--state", "open"}), ElementsAre(1));
  EXPECT_THAT(listed({"--topic", "payments", "--state", "all"}), ElementsAre(3));
  EXPECT_THAT(listed({"--key", "o-1"}), ElementsAre(1));
  EXPECT_THAT(listed({"--key", "base64:AP8=", "--state", "all"}), ElementsAre(3));
  EXPECT_THAT(listed({"--event-id", "e-2"}), ElementsAre(2));
  EXPECT_THAT(listed({"--type", "OrderPaid", "--state", "all"}), ElementsAre(3));
  EXPECT_THAT(listed({"--since", "2026-01-31T13:00:00Z"}), ElementsAre(2, 4));
  EXPECT_THAT(listed({"--until", "2026-01-31T13:00:00Z"}), ElementsAre(1));
  EXPECT_THAT(listed({"--since", "2026-01-31T14:00:00+01:00", "--until", "2026-02-02"}),
              ElementsAre(2));
}

TEST_F(CliDlq, AFilterThatMakesNoSenseIsAUsageError) {
  for (const auto& filter :
       std::vector<std::vector<std::string>>{{"--since", "yesterday"},
                                             {"--since", "2026-01-31T12:00:00"},
                                             {"--partition", "-1"},
                                             {"--partition", "x"},
                                             {"--key", "base64:&"},
                                             {"--state", ""},
                                             {"--limit", "0"},
                                             {"--after", "-1"}}) {
    std::vector<std::string> line{"dlq", "list"};
    line.insert(line.end(), filter.begin(), filter.end());
    const auto result = run(line);
    EXPECT_EQ(result.exit_code, 64) << filter[0] << ' ' << filter[1];
    EXPECT_THAT(result.err, HasSubstr(filter[0])) << filter[1];
  }
}

TEST_F(CliDlq, ListGoesOnFromPageToPageWithTheLineThatItNames) {
  fill();
  const auto first = run({"dlq", "list", "--limit", "1", "--topic", "orders", "-o", "jsonl"});
  EXPECT_EQ(json::parse(first.out)["id"], 1);
  EXPECT_THAT(first.err, HasSubstr("kinbox dlq list --topic orders --state open --state requested "
                                   "--after 1 --limit 1\n"));
  EXPECT_THAT(listed({"--topic", "orders", "--after", "1"}), ElementsAre(2, 4));
  EXPECT_THAT(listed({"--topic", "orders", "--after", "1", "--limit", "1"}), ElementsAre(2));
  EXPECT_THAT(listed({"--state", "all", "--after", "2"}), ElementsAre(3, 4));
  EXPECT_THAT(listed({"--after", "4"}), IsEmpty());
}

TEST_F(CliDlq, ListShowsWhereALetterIsFromAndWhy) {
  fill();
  const auto row = answer({"dlq", "list", "--event-id", "e-1"})[0];
  EXPECT_EQ(row, json::parse(R"({"id": 1, "state": "open", "consumer": "orders",
      "group": "aaaaaaaaaaaaaaaa", "topic": "orders", "partition": 0, "offset": 11, "key": "o-1",
      "event_id": "e-1", "type": "OrderCreated", "reason": "handler_rejected", "handler": "stock",
      "error_type": "Sold", "error_code": "out", "attempts": 5, "redrives": 2, "seen_again": 0,
      "first_failed_at": "2026-01-31T11:59:00.000Z", "dead_at": "2026-01-31T12:00:00.000Z",
      "due_at": null, "error_text": "nothing left of 17"})"));
  EXPECT_THAT(run({"dlq", "list"}).out, Not(HasSubstr("Sold")));
  EXPECT_THAT(run({"dlq", "list", "-o", "wide"}).out, HasSubstr("Sold"));
}

}  // namespace
}  // namespace kinbox::cli
