#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "support/desk_cli.hpp"
#include "support/letters.hpp"

namespace kinbox::cli {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class CliDlq : public kinbox::testing::DeskCli {
 protected:
  /// Letters 1 to 4: two of one cause, one of another, one of another consumer; 3 is resolved.
  void fill() {
    sql(R"(
INSERT INTO letters (consumer, event_id, event_type, topic, partition, record_offset,
    record_timestamp_ms, key, value, headers, fingerprint, reason, handler, error_type, error_code,
    error_text, error_group, attempts, first_failed_at, dead_at, redrive_count) VALUES
 ('orders', 'e-1', 'OrderCreated', 'orders', 0, 11, 1700000000123, CAST('o-1' AS BLOB),
  CAST('{"total":12.50}' AS BLOB), '[["trace","eA=="],["empty",""],["none",null]]', x'01',
  'handler_rejected', 'stock', 'Sold', 'out', 'nothing left of 17', 'aaaaaaaaaaaaaaaa', 5,
  '2026-01-31T11:59:00.000Z', '2026-01-31T12:00:00.000Z', 2),
 ('orders', 'e-2', 'OrderCreated', 'orders', 1, 12, NULL, NULL, NULL, '[]', x'01',
  'handler_rejected', 'stock', 'Sold', 'out', 'nothing left of 18', 'aaaaaaaaaaaaaaaa', 5, NULL,
  '2026-01-31T13:00:00.000Z', 1),
 ('orders', 'e-3', 'OrderPaid', 'payments', 0, 13, NULL, x'00FF', x'', '[]', x'01',
  'retries_exhausted', 'ledger', 'std::runtime_error', '', 'no', 'bbbbbbbbbbbbbbbb', 1, NULL,
  '2026-02-01T00:00:00.000Z', 0),
 ('mail', NULL, '', 'orders', 0, 14, NULL, NULL, CAST('{' AS BLOB), '[]', x'01', 'undecodable',
  '', '', '', 'not JSON', 'cccccccccccccccc', 0, NULL, '2026-02-02T00:00:00.000Z', 0);)" +
        testing::letters_are("open", "") +
        "UPDATE letter_states SET state = 'requested' WHERE id = 2;"
        "DELETE FROM letter_states WHERE id = 3");
  }

  std::vector<std::int64_t> listed(const std::vector<std::string>& filters) {
    return ids({"dlq", "list"}, filters);
  }
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
  EXPECT_THAT(listed({"--since", "2026-01-31T14:00:00+01:00", "--until", "2026-02-02T00:00:00Z"}),
              ElementsAre(2));
}

TEST_F(CliDlq, AFilterThatMakesNoSenseIsAUsageError) {
  for (const auto& filter :
       std::vector<std::vector<std::string>>{{"--since", "yesterday"},
                                             {"--since", "2026-01-31T12:00:00"},
                                             {"--until", "2026-01-31"},
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

TEST_F(CliDlq, ANumberThatIsTooSmallOrNoneIsToldWhatItMayBe) {
  EXPECT_THAT(run({"dlq", "list", "--limit", "0"}).err,
              HasSubstr("--limit: should be a whole number from 1 on, not \"0\""));
  EXPECT_THAT(run({"dlq", "list", "--limit", "9x"}).err, HasSubstr("from 1 on, not \"9x\""));
  EXPECT_THAT(run({"dlq", "list", "--after", "-1"}).err,
              HasSubstr("--after: should be a whole number from 0 on, not \"-1\""));
  EXPECT_EQ(run({"dlq", "list", "--after", "0", "--limit", "1"}).exit_code, 0);
}

TEST_F(CliDlq, AFilterThatMatchesNothingIsNoErrorAndSaysSo) {
  fill();
  const auto table = run({"dlq", "list", "--topic", "nowhere"});
  EXPECT_EQ(table.exit_code, 0);
  EXPECT_EQ(table.out, "(nothing)\n");
  const auto records = run({"dlq", "list", "--topic", "nowhere", "--format", "%s"});
  EXPECT_EQ(records.exit_code, 0);
  EXPECT_EQ(records.out, "");
  EXPECT_THAT(records.err, HasSubstr("nothing matches: no letter for --topic nowhere"));
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

TEST_F(CliDlq, FormatPrintsRecordsInKcatsTokens) {
  fill();
  const auto result = run({"dlq", "list", "--topic", "orders", "--limit", "2", "--format",
                           "%t/%p@%o %k %T [%s] %S %h\\n"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out,
            "orders/0@11 o-1 1700000000123 [{\"total\":12.50}] 15 trace=x,empty=,none=NULL\n"
            "orders/1@12  -1 [] -1 \n");
  EXPECT_THAT(result.err, HasSubstr("--after 2"));
}

TEST_F(CliDlq, FormatPrintsTheValueThatAPersonPutThere) {
  fill();
  sql("UPDATE letters SET edited = 1, edited_value = CAST('new' AS BLOB) WHERE id = 1");
  EXPECT_EQ(run({"dlq", "list", "--event-id", "e-1", "--format", "%s"}).out, "new");
}

TEST_F(CliDlq, AFormatThatMakesNoSenseIsAUsageError) {
  EXPECT_THAT(run({"dlq", "list", "--format", "%q"}).err, HasSubstr("\"%q\" is no token"));
  EXPECT_EQ(run({"dlq", "list", "--format", "%q"}).exit_code, 64);
  EXPECT_EQ(run({"dlq", "list", "--format", "%t", "-o", "json"}).exit_code, 64);
}

TEST_F(CliDlq, ShowIsAPageForAPerson) {
  fill();
  sql(R"(
INSERT INTO audit (who, action, reason) VALUES ('zoe@desk', 'dlq retry', 'stock is back');
INSERT INTO dead_letter_history (dead_letter_id, at, what, detail, audit_id) VALUES
  (1, '2026-01-31T14:00:00.000Z', 'requested', '', 1),
  (1, '2026-01-31T14:00:01.000Z', 'failed_again', 'nothing left of 17', NULL),
  (2, '2026-01-31T15:00:00.000Z', 'discarded', '', NULL);)");
  const auto result = run({"dlq", "show", "1"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("error_text       nothing left of 17\n"),
                    HasSubstr("first_failed_at  2026-01-31T11:59:00.000Z\n"),
                    HasSubstr("header trace     x\n"), HasSubstr("header none      -\n"),
                    HasSubstr("\nvalue: JSON, 15 bytes\n{\n  \"total\": 12.50\n}\n")));
  EXPECT_THAT(
      result.out,
      HasSubstr(
          "\nhistory\n"
          "AT                        WHAT          DETAIL              WHO       AUDIT  REASON\n"
          "2026-01-31T14:00:00.000Z  requested                         zoe@desk      1  stock is "
          "back\n"
          "2026-01-31T14:00:01.000Z  failed_again  nothing left of 17  -             -  -\n"));
  EXPECT_THAT(result.out, Not(HasSubstr("discarded")));
}

TEST_F(CliDlq, ShowNamesEverythingForPrograms) {
  fill();
  sql("INSERT INTO audit (who, action, reason) VALUES ('zoe', 'dlq edit', 'a typo');"
      "INSERT INTO dead_letter_history (dead_letter_id, at, what, detail, audit_id)"
      "  VALUES (1, '2026-01-31T14:00:00.000Z', 'edited', '2 bytes', 1);"
      "UPDATE letters SET edited = 1, edited_value = x'FF', imported = 1 WHERE id = 1");
  std::map<std::string, json> facts;
  for (const auto& row : answer({"dlq", "show", "1"})) facts[row["name"]] = row["value"];
  const std::map<std::string, json> expected{{"id", "1"},
                                             {"group", "aaaaaaaaaaaaaaaa"},
                                             {"partition", "0"},
                                             {"offset", "11"},
                                             {"timestamp", "2023-11-14T22:13:20.123Z"},
                                             {"key", "o-1"},
                                             {"attempts", "5"},
                                             {"redrives", "2"},
                                             {"seen_again", "0"},
                                             {"due_at", nullptr},
                                             {"imported", "true"},
                                             {"edited", "true"},
                                             {"header empty", ""},
                                             {"value", "base64:/w=="},
                                             {"original_value", "{\"total\":12.50}"},
                                             {"history",
                                              "2026-01-31T14:00:00.000Z edited: 2 bytes "
                                              "(zoe, audit 1) because: a typo"}};
  for (const auto& [name, value] : expected) EXPECT_EQ(facts[name], value) << name;
}

TEST_F(CliDlq, ShowTakesAnyBytes) {
  fill();
  sql("UPDATE letters SET key = x'FF00', value = x'00FF1B5B', edited = 1, "
      "edited_value = CAST('{\"a\":' AS BLOB), headers = '[[null,\"/w==\",\"/w==\"]]' "
      "WHERE id = 1");
  const auto result = run({"dlq", "show", "1"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("base64:/wA="), HasSubstr("header base64:/w==  base64:/w=="),
                    HasSubstr("\nvalue: text, 5 bytes\n{\"a\":\n"),
                    HasSubstr("\noriginal value: hex, 4 bytes\n00000000  00 ff 1b 5b")));
  EXPECT_THAT(run({"dlq", "show", "2"}).out, HasSubstr("\nvalue: null\n"));
  EXPECT_THAT(run({"dlq", "show", "3"}).out, HasSubstr("\nvalue: empty\n"));
}

TEST_F(CliDlq, ShowOfALetterThatIsNotThereFails) {
  const auto result = run({"dlq", "show", "17"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("there is no dead letter 17; see kinbox dlq list"));
  EXPECT_EQ(run({"dlq", "show", "x"}).exit_code, 64);
}

}  // namespace
}  // namespace kinbox::cli
