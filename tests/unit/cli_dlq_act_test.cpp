#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <nlohmann/json.hpp>

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
using ::testing::SizeIs;

class CliDlqAct : public kinbox::testing::DeskCli {
 protected:
  std::string state(int id) {
    return text("SELECT state FROM dead_letters WHERE id = " + std::to_string(id));
  }

  /// Letters 1 to 3: open, of group aaaa (2) and bbbb; 4 an id_conflict; 5 resolved; 6 purged; 7
  /// of another consumer.
  void fill() {
    sql(R"(
INSERT INTO consumers (name, group_id) VALUES ('orders', 'orders'), ('mail', 'mail');
INSERT INTO consumer_progress (consumer, topic, partition, first_offset, next_offset, dead)
  VALUES ('orders', 't', 0, 0, 3, 3);
INSERT INTO letters (consumer, event_id, topic, partition, record_offset, value, fingerprint,
                     reason, handler, error_group, purged_at)
VALUES ('orders', 'e-1', 't', 0, 11, CAST('{"total":12.50}' AS BLOB), x'01', 'handler_rejected',
        'stock', 'aaaa', NULL),
       ('orders', 'e-2', 't', 0, 12, x'FF00', x'01', 'handler_rejected', 'stock', 'aaaa', NULL),
       ('orders', NULL, 't', 1, 13, x'7B', x'01', 'undecodable', '', 'bbbb', NULL),
       ('orders', 'e-1', 't', 0, 14, x'7B7D', x'01', 'id_conflict', '', 'cccc', NULL),
       ('orders', 'e-5', 't', 0, 15, x'7B7D', x'01', 'handler_rejected', '', 'aaaa', NULL),
       ('orders', 'e-6', 't', 0, 16, NULL, x'01', 'handler_rejected', '', 'aaaa',
        '2026-01-31T12:00:00.000Z'),
       ('mail', 'e-1', 't', 0, 11, x'7B7D', x'01', 'handler_rejected', 'send', 'dddd', NULL);
INSERT INTO processed_events (consumer, event_id, topic, partition, record_offset, event_type,
                              verdict, fingerprint)
VALUES ('orders', 'e-1', 't', 0, 11, '', 'dead', x'01');)" +
        testing::letters_are("open", "") + "DELETE FROM letter_states WHERE id = 5");
  }
};

using CliDlqRetry = CliDlqAct;

TEST_F(CliDlqRetry, ByIdsMakesLettersRequestedAndTellsTheirOwners) {
  fill();
  const auto rows = answer({"dlq", "retry", "2", "1"});
  ASSERT_THAT(rows, SizeIs(2));
  EXPECT_EQ(rows[0]["requested"], 1) << "in the order in which they are tried";
  EXPECT_EQ(state(1), "requested");
  EXPECT_EQ(state(2), "requested");
  EXPECT_NE(text("SELECT due_at FROM dead_letters WHERE id = 1"), "NULL");
  EXPECT_EQ(text("SELECT control_version FROM consumer_progress"), "1");
  EXPECT_EQ(text("SELECT control_version FROM consumers WHERE name = 'orders'"), "1");
  EXPECT_EQ(text("SELECT control_version FROM consumers WHERE name = 'mail'"), "0");
}

TEST_F(CliDlqRetry, IsWrittenDown) {
  fill();
  answer({"dlq", "retry", "1", "--note", "stock is mended"});
  EXPECT_EQ(text("SELECT who || '|' || action || '|' || consumer || '|' || filter || '|' || reason "
                 "|| '|' || affected || '|' || outcome FROM audit"),
            "zoe@desk|dlq retry|orders|1|stock is mended|1|done");
  EXPECT_EQ(text("SELECT what || '|' || detail || '|' || dead_letter_id || '|' || audit_id "
                 "FROM dead_letter_history"),
            "requested|stock is mended|1|1");
  answer({"dlq", "retry", "2", "--as", "max"});
  EXPECT_EQ(text("SELECT who FROM audit WHERE id = 2"), "max");
}

TEST_F(CliDlqRetry, OfWhatCannotBeTriedSaysWhyAndDoesTheRest) {
  fill();
  answer({"dlq", "retry", "2"});
  const auto result = run({"dlq", "retry", "1", "2", "4", "5", "6", "99", "-o", "json"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(json::parse(result.out), SizeIs(1));
  EXPECT_EQ(state(1), "requested");
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("letter 2 is requested already"), HasSubstr("by zoe@desk"),
                    HasSubstr("letter 4 has the id of another event"), HasSubstr("--as-id NEW"),
                    HasSubstr("letter 5 is resolved"), HasSubstr("letter 6 is purged"),
                    HasSubstr("there is no letter 99")));
  EXPECT_EQ(run({"dlq", "retry", "5"}).exit_code, 1) << "nothing at all";
  EXPECT_EQ(text("SELECT count(*) FROM audit"), "2") << "nothing was done the third time";
}

TEST_F(CliDlqRetry, InBulkAsksAndShowsTheGroups) {
  fill();
  types("y");
  const auto result = run({"dlq", "retry", "--group", "aaaa", "-o", "json"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(asked(), HasSubstr("About to retry 2 letters in 1 group."));
  EXPECT_THAT(result.err, AllOf(HasSubstr("handler_rejected"), HasSubstr("1 letter left as they "
                                                                         "are: purged")));
  EXPECT_EQ(json::parse(result.out)[0]["requested"], 2);
  EXPECT_EQ(json::parse(result.out)[0]["audit"], 1);
  EXPECT_EQ(text("SELECT filter FROM audit"), "--group aaaa");
  EXPECT_EQ(state(3), "open");
}

TEST_F(CliDlqRetry, NotAgreedToChangesNothing) {
  fill();
  types("n");
  const auto result = run({"dlq", "retry", "--all"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("nothing was changed"));
  EXPECT_EQ(state(1), "open");
  EXPECT_EQ(text("SELECT count(*) FROM audit"), "0");
}

TEST_F(CliDlqRetry, InBulkWithoutATerminalNeedsYes) {
  fill();
  const auto result = run({"dlq", "retry", "--all"});
  EXPECT_EQ(result.exit_code, 64);
  EXPECT_THAT(result.err, HasSubstr("--yes"));
  EXPECT_EQ(answer({"dlq", "retry", "--all", "--yes"})[0]["requested"], 4);
  EXPECT_EQ(state(7), "requested");
  EXPECT_EQ(text("SELECT control_version FROM consumers WHERE name = 'mail'"), "1");
  EXPECT_EQ(text("SELECT consumer FROM audit"), "") << "of several";
}

TEST_F(CliDlqRetry, RefusesWhenTheCountMoved) {
  fill();
  types("y", [this] { sql("UPDATE letter_states SET state = 'requested' WHERE id = 1"); });
  const auto result = run({"dlq", "retry", "--all"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("asked about 4 letters, and now there are 3"));
  EXPECT_EQ(state(2), "open");
}

TEST_F(CliDlqRetry, TheSecondOfTwoOperatorsIsTold) {
  fill();
  types("y");
  answer({"dlq", "retry", "--group", "aaaa", "--yes"});
  const auto second = run({"dlq", "retry", "--group", "aaaa"});
  EXPECT_EQ(second.exit_code, 0);
  EXPECT_THAT(second.err, AllOf(HasSubstr("nothing matches"),
                                HasSubstr("2 letters of these are requested already")));
  EXPECT_THAT(asked(), IsEmpty());
}

TEST_F(CliDlqRetry, AFilterThatMatchesNothingIsNoError) {
  fill();
  const auto result = run({"dlq", "retry", "--topic", "nowhere", "-o", "json"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(json::parse(result.out)[0]["requested"], 0);
  EXPECT_THAT(result.err,
              HasSubstr("nothing matches: no letter to be requested for --topic nowhere"));
}

TEST_F(CliDlqRetry, ADryRunShowsAndDoesNothing) {
  fill();
  const auto result = run({"dlq", "retry", "--all", "--dry-run", "-o", "json"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(json::parse(result.out), SizeIs(3));
  EXPECT_EQ(json::parse(result.out)[0]["letters"], 2);
  EXPECT_THAT(result.err, HasSubstr("4 letters would be requested"));
  EXPECT_EQ(text("SELECT count(*) FROM dead_letters WHERE state = 'requested'"), "0");
  EXPECT_EQ(text("SELECT count(*) FROM audit"), "0");
}

TEST_F(CliDlqRetry, TakesAtMostTheLimit) {
  fill();
  EXPECT_EQ(answer({"dlq", "retry", "--all", "--limit", "2", "--yes"})[0]["requested"], 2);
  EXPECT_EQ(text("SELECT group_concat(id) FROM (SELECT id FROM dead_letters WHERE state = "
                 "'requested' ORDER BY id)"),
            "1,7");
}

TEST_F(CliDlqRetry, ARateSpreadsTheLettersInTheirOrder) {
  fill();
  answer({"dlq", "retry", "--consumer", "orders", "--rate", "1/m", "--yes"});
  EXPECT_EQ(
      text("SELECT CAST(round((julianday(b.due_at) - julianday(a.due_at)) * 1440) AS INTEGER) "
           "FROM dead_letters AS a, dead_letters AS b WHERE a.id = 1 AND b.id = 3"),
      "2");
}

TEST_F(CliDlqRetry, SaysWhenNobodyIsAtWork) {
  fill();
  EXPECT_THAT(run({"dlq", "retry", "1"}).err, HasSubstr("no worker consumes for orders"));
  sql("INSERT INTO workers (owner, consumer, host, pid, version, seen_until) "
      "VALUES ('w', 'orders', 'h', 1, '1', '2999-01-01T00:00:00.000Z')");
  EXPECT_THAT(run({"dlq", "retry", "2"}).err, IsEmpty());
}

TEST_F(CliDlqRetry, SaysWhenNobodyHasThePartition) {
  fill();
  EXPECT_THAT(run({"dlq", "retry", "1"}).err, Not(HasSubstr("ever consumed")));
  EXPECT_THAT(run({"dlq", "retry", "3"}).err,
              HasSubstr("nobody has ever consumed t/1 (consumer orders)"));
}

TEST_F(CliDlqRetry, AnIdConflictIsTriedUnderAnotherId) {
  fill();
  EXPECT_THAT(run({"dlq", "retry", "4", "--as-id", "e-1"}).err,
              HasSubstr("knows an event e-1 already"));
  EXPECT_EQ(state(4), "open");
  EXPECT_EQ(run({"dlq", "retry", "4", "--as-id", "e-1b"}).exit_code, 0);
  EXPECT_EQ(state(4), "requested");
  EXPECT_EQ(text("SELECT retry_as FROM dead_letters WHERE id = 4"), "e-1b");
  EXPECT_EQ(run({"dlq", "retry", "3", "--as-id", "e-3"}).exit_code, 0) << "it had none";
  const auto own = run({"dlq", "retry", "1", "--as-id", "e-9"});
  EXPECT_EQ(own.exit_code, 1);
  EXPECT_THAT(own.err, HasSubstr("has an id of its own, e-1"));
}

TEST_F(CliDlqAct, ALineThatMakesNoSenseIsUsage) {
  for (const auto& line : std::vector<std::vector<std::string>>{
           {"dlq", "retry"},
           {"dlq", "retry", "x"},
           {"dlq", "retry", "1", "--all"},
           {"dlq", "retry", "1", "--topic", "t"},
           {"dlq", "retry", "--all", "--limit", "0"},
           {"dlq", "retry", "--all", "--rate", "fast"},
           {"dlq", "retry", "--all", "--as-id", "e"},
           {"dlq", "retry", "1", "2", "--as-id", "e"},
           {"dlq", "retry", "1", "--as-id", std::string(513, 'e')},
           {"dlq", "discard", "1"},
           {"dlq", "discard", "--reason", "r"},
           {"dlq", "edit"},
           {"dlq", "purge"},
           {"dlq", "purge", "--key", "k", "--event-id", "e"},
           {"dlq", "import"},
           {"dlq", "export", "--limit", "0"}})
    EXPECT_EQ(run(line).exit_code, 64) << ::testing::PrintToString(line);
}

TEST_F(CliDlqAct, DiscardIsUndoneByRestore) {
  fill();
  answer({"dlq", "retry", "2"});
  EXPECT_THAT(answer({"dlq", "discard", "1", "2", "--reason", "test order"}), SizeIs(2));
  EXPECT_EQ(state(1), "discarded");
  EXPECT_EQ(state(2), "discarded") << "a request is taken back";
  EXPECT_EQ(text("SELECT due_at FROM dead_letters WHERE id = 2"), "NULL");
  EXPECT_EQ(text("SELECT reason FROM audit WHERE id = 2"), "test order");
  const auto retried = run({"dlq", "retry", "1"});
  EXPECT_EQ(retried.exit_code, 1);
  EXPECT_THAT(retried.err, HasSubstr("kinbox dlq restore 1"));
  EXPECT_THAT(answer({"dlq", "restore", "1"}), SizeIs(1));
  EXPECT_EQ(state(1), "open");
  EXPECT_THAT(run({"dlq", "restore", "1"}).err, HasSubstr("letter 1 is open already"));
  EXPECT_EQ(answer({"dlq", "restore", "--all", "--yes"})[0]["restored"], 1);
  EXPECT_EQ(state(2), "open");
}

TEST_F(CliDlqAct, DiscardsReasonIsNotTakenForAFilter) {
  fill();
  const auto result = run({"dlq", "discard", "--all", "--reason", "undecodable", "--yes"});
  EXPECT_EQ(result.exit_code, 64);
  EXPECT_THAT(result.err, HasSubstr("--failed-with undecodable"));
  EXPECT_EQ(state(1), "open");
  answer({"dlq", "discard", "--failed-with", "undecodable", "--reason", "garbage", "--yes"});
  EXPECT_EQ(state(3), "discarded");
  EXPECT_EQ(state(1), "open");
}

TEST_F(CliDlqRetry, ByReasonIsAFilterAsOfList) {
  fill();
  EXPECT_EQ(answer({"dlq", "retry", "--reason", "undecodable", "--yes"})[0]["requested"], 1);
  EXPECT_EQ(state(3), "requested");
}

using CliDlqPurge = CliDlqAct;

TEST_F(CliDlqPurge, TakesThePersonsNameTyped) {
  fill();
  sql("UPDATE letters SET key = CAST('zoe' AS BLOB) WHERE id < 3");
  EXPECT_EQ(run({"dlq", "purge", "--key", "zoe"}).exit_code, 64) << "nobody to ask";
  types("y");
  EXPECT_EQ(run({"dlq", "purge", "--key", "zoe"}).exit_code, 1);
  EXPECT_THAT(asked(), AllOf(HasSubstr("payloads of 2 letters and 0 parked events for good"),
                             HasSubstr("Type zoe")));
  EXPECT_EQ(run({"dlq", "purge", "--key", "zoe", "--confirm", "zoë"}).exit_code, 64);
  EXPECT_EQ(text("SELECT count(*) FROM dead_letters WHERE value IS NULL"), "1") << "letter 6";
  types("zoe");
  const auto result = run({"dlq", "purge", "--key", "zoe", "-o", "json"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(json::parse(result.out)[0]["letters"], 2);
  EXPECT_THAT(result.err, HasSubstr("stays there until its retention"));
  EXPECT_EQ(state(1), "discarded");
  EXPECT_EQ(text("SELECT count(*) FROM dead_letters WHERE value IS NULL"), "3");
  EXPECT_EQ(text("SELECT filter FROM audit"), "--key (not kept)");
  EXPECT_THAT(run({"dlq", "restore", "1"}).err, HasSubstr("letter 1 is purged"));
}

TEST_F(CliDlqPurge, OfOneEventIsConfirmedOnTheLine) {
  fill();
  EXPECT_EQ(answer({"dlq", "purge", "--event-id", "e-2", "--confirm=e-2"})[0]["audit"], 1);
  EXPECT_EQ(text("SELECT filter FROM audit"), "--event-id e-2");
  const auto dry = run({"dlq", "purge", "--event-id", "e-1", "--consumer", "mail", "--dry-run"});
  EXPECT_THAT(dry.err, HasSubstr("the payloads of 1 letter and 0 parked events would be erased"));
  EXPECT_EQ(state(7), "open");
  const auto nobody = run({"dlq", "purge", "--key", "nobody"});
  EXPECT_EQ(nobody.exit_code, 0);
  EXPECT_THAT(nobody.err, HasSubstr("nothing matches"));
}

using CliDlqFiles = CliDlqAct;

TEST_F(CliDlqFiles, WhatIsExportedComesBackByteForByte) {
  fill();
  sql("UPDATE letters SET headers = '[[\"a\",\"AP8=\"],[\"a\",null]]', key = x'00FF', "
      "record_timestamp_ms = 1700000000123, edited = 1, edited_value = x'01', attempts = 3, "
      "first_failed_at = '2026-01-31T12:00:00.123Z', error_text = 'no', redrive_count = 2 "
      "WHERE id = 2");
  const auto exported = run({"dlq", "export", "--consumer", "orders"});
  EXPECT_EQ(exported.exit_code, 0);
  EXPECT_THAT(exported.err, HasSubstr("4 letters exported"));
  const auto file = (directory() / "letters.jsonl").string();
  std::ofstream(file) << exported.out;
  const auto columns =
      "SELECT group_concat(coalesce(event_id, '-') || topic || partition || record_offset || "
      "coalesce(record_timestamp_ms, '-') || coalesce(hex(key), '-') || hex(value) || headers || "
      "reason || handler || attempts || coalesce(first_failed_at, '-') || error_text || dead_at || "
      "redrive_count || edited || coalesce(hex(edited_value), '-'), ';') "
      "FROM (SELECT * FROM dead_letters WHERE consumer = 'orders' AND state = 'open' "
      "AND purged_at IS NULL ORDER BY partition, record_offset)";
  const auto before = text(columns);
  sql("DELETE FROM letters WHERE consumer = 'orders'; DELETE FROM processed_events");
  const auto imported = answer({"dlq", "import", file, "--yes"});
  EXPECT_EQ(imported[0]["consumer"], "orders");
  EXPECT_EQ(imported[0]["imported"], 4);
  EXPECT_EQ(text(columns), before);
  EXPECT_EQ(text("SELECT verdict FROM processed_events WHERE event_id = 'e-2'"), "dead");
  EXPECT_EQ(text("SELECT dead FROM consumer_progress"), "3") << "not in the counters";
  EXPECT_EQ(answer({"dlq", "import", file, "--yes"})[0]["known"], 4);
  EXPECT_EQ(text("SELECT action || filter || affected FROM audit WHERE id = 2"),
            "dlq import" + file + "4");
}

TEST_F(CliDlqFiles, ABrokenLineIsNamedAndNothingIsImported) {
  fill();
  const auto file = (directory() / "letters.jsonl").string();
  std::ofstream(file) << run({"dlq", "export", "1"}).out << "\n{\"id\": 1}\n";
  sql("DELETE FROM letters");
  const auto result = run({"dlq", "import", file, "--yes"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("letters.jsonl:3: the field \"consumer\" is missing"),
                                HasSubstr("nothing was imported")));
  EXPECT_EQ(text("SELECT count(*) FROM dead_letters"), "0");
}

TEST_F(CliDlqFiles, ImportsAskAndSayWhatTheyCannotTake) {
  fill();
  const auto file = (directory() / "letters.jsonl").string();
  std::ofstream(file) << run({"dlq", "export", "1"}).out;
  sql("DELETE FROM letters");
  EXPECT_EQ(run({"dlq", "import", file}).exit_code, 64) << "nobody to ask";
  types("n");
  EXPECT_EQ(run({"dlq", "import", file}).exit_code, 1);
  EXPECT_THAT(asked(), HasSubstr("About to import 1 letter of orders from"));
  EXPECT_THAT(run({"dlq", "import", file, "--dry-run"}).err, HasSubstr("would be imported"));
  const auto stranger = run({"dlq", "import", file, "--consumer", "stranger", "--yes"});
  EXPECT_EQ(stranger.exit_code, 3);
  EXPECT_THAT(stranger.err, HasSubstr("\"stranger\" is not known here, but mail, orders"));
  EXPECT_EQ(text("SELECT count(*) FROM dead_letters"), "0");
  EXPECT_EQ(answer({"dlq", "import", file, "--consumer", "mail", "--yes"})[0]["consumer"], "mail");
  EXPECT_EQ(run({"dlq", "import", (directory() / "none").string(), "--yes"}).exit_code, 1);
  std::ofstream(directory() / "empty");
  const auto empty = run({"dlq", "import", (directory() / "empty").string()});
  EXPECT_EQ(empty.exit_code, 0);
  EXPECT_THAT(empty.err, HasSubstr("holds no letter"));
}

TEST_F(CliDlqFiles, ExportTakesWhatIsOpenUnlessToldOtherwise) {
  fill();
  EXPECT_THAT(run({"dlq", "export"}).err, HasSubstr("5 letters")) << "purged ones hold nothing";
  EXPECT_THAT(run({"dlq", "export", "--state", "resolved"}).out, HasSubstr("\"e-5\""));
  EXPECT_THAT(run({"dlq", "export", "5"}).out, HasSubstr("\"state\":\"resolved\""));
  EXPECT_THAT(run({"dlq", "export", "--limit", "1"}).err, HasSubstr("1 letter "));
  EXPECT_EQ(text("SELECT action || affected FROM audit WHERE id = 1"), "dlq export5");
}

class CliDlqEdit : public CliDlqAct {
 protected:
  void SetUp() override {
    CliDlqAct::SetUp();
    configure("dlq: {edit: true}\n");
    fill();
    environment_["TMPDIR"] = directory().string();
    types("y");
  }

  /// A program that does `script` with the file "$1".
  void editor(const std::string& script) {
    const auto file = directory() / "editor";
    std::ofstream(file) << "#!/bin/sh\n" << script << '\n';
    ::chmod(file.c_str(), 0700);
    environment_["EDITOR"] = file.string();
  }
};

TEST_F(CliDlqEdit, KeepsTheOriginalAndRecordsBothFingerprints) {
  editor("sed -i s/12.50/12.05/ \"$1\"; ls -l \"$1\" > '" + (directory() / "mode").string() + "'");
  const auto result = run({"dlq", "edit", "1"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, AllOf(HasSubstr("-  \"total\": 12.50\n+  \"total\": 12.05\n"),
                                HasSubstr("kinbox dlq retry 1")));
  EXPECT_EQ(text("SELECT CAST(value AS TEXT) || CAST(edited_value AS TEXT) || edited || event_id "
                 "FROM dead_letters WHERE id = 1"),
            R"({"total":12.50}{"total":12.05}1e-1)");
  EXPECT_THAT(text("SELECT detail FROM dead_letter_history WHERE what = 'edited'"),
              ::testing::MatchesRegex("fingerprint 01[0-9a-f]{32} -> 01[0-9a-f]{32}"));
  EXPECT_EQ(text("SELECT action || filter || outcome FROM audit"), "dlq edit1done");
  std::string mode;
  std::getline(std::ifstream(directory() / "mode") >> std::ws, mode);
  EXPECT_THAT(mode, HasSubstr("-rw-------"));
  EXPECT_THAT(mode, HasSubstr(".json"));
}

TEST_F(CliDlqEdit, GoesOnFromWhatWasEditedAndBackToTheOriginal) {
  editor("sed -i s/12.50/1/ \"$1\"");
  EXPECT_EQ(run({"dlq", "edit", "1"}).exit_code, 0);
  editor("sed -i s/1/12.50/ \"$1\"");
  EXPECT_EQ(run({"dlq", "edit", "1"}).exit_code, 0);
  EXPECT_EQ(text("SELECT edited || coalesce(edited_value, 'NULL') FROM dead_letters WHERE id = 1"),
            "0NULL");
}

TEST_F(CliDlqEdit, AnEditorThatFailsChangesNothing) {
  editor("echo broken > \"$1\"; exit 3");
  const auto result = run({"dlq", "edit", "1"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("ended with exit code 3; nothing was changed"));
  EXPECT_EQ(text("SELECT edited FROM dead_letters WHERE id = 1"), "0");
  editor("kill -9 $$");
  EXPECT_THAT(run({"dlq", "edit", "1"}).err, HasSubstr("nothing was changed"));
  editor("rm \"$1\"");
  EXPECT_EQ(run({"dlq", "edit", "1"}).exit_code, 1);
  environment_.erase("EDITOR");
  EXPECT_EQ(run({"dlq", "edit", "1"}).exit_code, 64);
}

TEST_F(CliDlqEdit, AnUnchangedFileIsNothing) {
  editor("echo >> \"$1\"");
  const auto result = run({"dlq", "edit", "1"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, HasSubstr("unchanged")) << "the last line's end is the editor's";
  EXPECT_THAT(asked(), IsEmpty());
  EXPECT_EQ(text("SELECT count(*) FROM audit"), "0");
}

TEST_F(CliDlqEdit, IsAskedForAndNotBehindSomebodysBack) {
  editor("sed -i s/12.50/1/ \"$1\"");
  types("n");
  EXPECT_EQ(run({"dlq", "edit", "1"}).exit_code, 1);
  types("y", [this] { sql("UPDATE letters SET edited = 1, edited_value = x'31' WHERE id = 1"); });
  const auto result = run({"dlq", "edit", "1"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("changed by somebody else"));
  EXPECT_EQ(text("SELECT hex(edited_value) FROM dead_letters WHERE id = 1"), "31");
}

TEST_F(CliDlqEdit, LeavesNoPayloadBehind) {
  editor("cp \"$1\" \"$1~\"");
  run({"dlq", "edit", "1"});
  for (const auto& entry : std::filesystem::directory_iterator(directory()))
    EXPECT_THAT(entry.path().filename().string(), Not(HasSubstr("kinbox-")));
}

TEST_F(CliDlqEdit, IsOffUnlessAllowedAndForOpenLettersOnly) {
  editor("true");
  EXPECT_THAT(run({"dlq", "edit", "5"}).err, HasSubstr("letter 5 is resolved"));
  EXPECT_EQ(run({"dlq", "edit", "6"}).exit_code, 1);
  configure("");
  const auto result = run({"dlq", "edit", "1"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("dlq: {edit: true}"));
}

}  // namespace
}  // namespace kinbox::cli
