#include "core/letter_import.hpp"

#include <gmock/gmock.h>

#include <future>

#include "core/audit.hpp"
#include "core/error_group.hpp"
#include "kinbox/errors.hpp"
#include "support/eventually.hpp"
#include "support/test_database.hpp"

namespace kinbox::testing {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

ImportedLetter letter(Offset offset, std::optional<std::string> event_id, std::string value = "v") {
  ImportedLetter letter;
  letter.record = {.topic = "orders",
                   .partition = 3,
                   .offset = offset,
                   .timestamp = Timestamp(std::chrono::milliseconds(1'700'000'000'123)),
                   .key = std::string("k\0\xff", 3),
                   .value = std::move(value),
                   .headers = {{"id", "e"}, {"id", std::nullopt}, {"\xff", std::string("\0", 1)}}};
  letter.event_id = std::move(event_id);
  letter.event_type = "OrderCreated";
  letter.failure = {.reason = "handler_rejected",
                    .handler = "order_view",
                    .error_type = "std::runtime_error",
                    .error_code = "E42",
                    .error_text = "it broke",
                    .attempts = 5,
                    .first_failed_at = Timestamp(std::chrono::milliseconds(1'700'000'000'456))};
  return letter;
}

class LetterImportContract : public DatabaseContract {
 protected:
  std::vector<ImportOutcome> import(const std::vector<ImportedLetter>& letters,
                                    std::optional<std::int64_t> audit_id = {}) {
    std::vector<ImportOutcome> outcomes;
    const auto tx = database().begin();
    outcomes = importer().run(*tx, letters, "old.jsonl", audit_id);
    tx->commit();
    return outcomes;
  }

  Rows query(std::string_view sql) {
    return database().begin()->query(database().dialect().render(sql));
  }
  std::string text(std::string_view sql) { return query(sql)[0].get<std::string>(0); }
  std::int64_t letters() { return number("SELECT count(*) FROM {kinbox}.dead_letters"); }

  void decided(const std::string& event_id, Verdict verdict, std::string_view value = "v") {
    const auto tx = database().begin();
    Inbox("email", database().dialect())
        .claim(*tx, std::vector<Inbox::Claim>{{.event_id = event_id,
                                               .event_type = "OrderCreated",
                                               .topic = "orders",
                                               .partition = 3,
                                               .offset = 1,
                                               .verdict = verdict,
                                               .fingerprint = Fingerprint::of(as_bytes(value))}});
    tx->commit();
  }

  LetterImport importer() { return {"email", database().dialect()}; }
};

TEST_P(LetterImportContract, ALetterIsKeptByteForByteAndItsEventIsDead) {
  auto given = letter(4211, "e-1");
  given.dead_at = Timestamp(std::chrono::milliseconds(1'700'000'001'000));
  given.redrive_count = 2;
  given.edited_value = "edited";
  EXPECT_THAT(import({given}), ElementsAre(ImportOutcome::kImported));
  const auto row = query("SELECT * FROM {kinbox}.dead_letters")[0];
  const auto bytes = [](std::string_view text) {
    return ByteVector(as_bytes(text).begin(), as_bytes(text).end());
  };
  EXPECT_EQ(row.get<std::string>("consumer"), "email");
  EXPECT_EQ(row.get<std::string>("event_id"), "e-1");
  EXPECT_EQ(row.get<std::int64_t>("partition"), 3);
  EXPECT_EQ(row.get<std::int64_t>("record_offset"), 4211);
  EXPECT_EQ(row.get<std::int64_t>("record_timestamp_ms"), 1'700'000'000'123);
  EXPECT_EQ(row.get<ByteVector>("key"), bytes(std::string_view("k\0\xff", 3)));
  EXPECT_EQ(row.get<ByteVector>("value"), bytes("v"));
  EXPECT_EQ(row.get<ByteVector>("edited_value"), bytes("edited"));
  EXPECT_TRUE(row.get<bool>("edited"));
  EXPECT_TRUE(row.get<bool>("imported"));
  EXPECT_EQ(row.get<std::string>("headers"), R"([["id","ZQ=="],["id",null],[null,"AA==","/w=="]])");
  EXPECT_EQ(row.get<std::string>("reason"), "handler_rejected");
  EXPECT_EQ(row.get<std::string>("error_text"), "it broke");
  EXPECT_EQ(row.get<std::int64_t>("attempts"), 5);
  EXPECT_EQ(row.get<std::int64_t>("redrive_count"), 2);
  EXPECT_THAT(row.get<std::string>("dead_at"), HasSubstr("2023-11-14"));
  EXPECT_EQ(row.get<std::string>("state"), "open");
  EXPECT_EQ(row.get<std::string>("error_group"), error_group(given.failure));
  EXPECT_EQ(text("SELECT verdict FROM {kinbox}.processed_events WHERE event_id = 'e-1'"), "dead");
}

TEST_P(LetterImportContract, AnEventThatIsAppliedHereMakesAResolvedLetter) {
  decided("e-1", Verdict::kApplied);
  EXPECT_THAT(import({letter(7, "e-1")}), ElementsAre(ImportOutcome::kAppliedAlready));
  EXPECT_EQ(text("SELECT state FROM {kinbox}.dead_letters"), "resolved");
  EXPECT_EQ(text("SELECT verdict FROM {kinbox}.processed_events"), "applied");
  EXPECT_THAT(text("SELECT detail FROM {kinbox}.dead_letter_history"), HasSubstr("applied here"));
}

TEST_P(LetterImportContract, AnotherValueUnderAKnownIdIsAnIdConflict) {
  decided("e-1", Verdict::kApplied, "another");
  EXPECT_THAT(import({letter(7, "e-1")}), ElementsAre(ImportOutcome::kIdConflict));
  EXPECT_EQ(text("SELECT reason FROM {kinbox}.dead_letters"), "id_conflict");
  EXPECT_EQ(text("SELECT state FROM {kinbox}.dead_letters"), "open");
}

TEST_P(LetterImportContract, AnIdConflictClaimsNothing) {
  auto conflict = letter(7, "e-1");
  conflict.failure.reason = "id_conflict";
  EXPECT_THAT(import({conflict}), ElementsAre(ImportOutcome::kImported));
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.processed_events"), 0);
}

TEST_P(LetterImportContract, WhatIsHereAlreadyIsLeftAsItIs) {
  const std::vector<ImportedLetter> both{letter(7, "e-1"), letter(8, std::nullopt)};
  EXPECT_THAT(import(both), Each(ImportOutcome::kImported));
  EXPECT_THAT(import(both), Each(ImportOutcome::kKnown));
  EXPECT_THAT(import({letter(9, "e-1")}), ElementsAre(ImportOutcome::kKnown))
      << "the same event in another record";
  EXPECT_EQ(letters(), 2);
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.dead_letter_history"), 2);
}

TEST_P(LetterImportContract, ALetterWithoutATopicIdIsKnownByTheTopicAsItIs) {
  script(database().dialect().render(
      "INSERT INTO {kinbox}.consumer_progress (consumer, topic, partition, topic_id, first_offset, "
      "next_offset) VALUES ('email', 'orders', 3, 'now', 0, 0)"));
  auto here = letter(7, std::nullopt);
  here.topic_id = "now";
  auto before = letter(8, std::nullopt);
  before.topic_id = "before";
  import({here, before});
  EXPECT_THAT(import({letter(7, std::nullopt), letter(8, std::nullopt)}),
              ElementsAre(ImportOutcome::kKnown, ImportOutcome::kImported));
}

TEST_P(LetterImportContract, AParkedEventIsKnown) {
  decided("e-1", Verdict::kParked);
  script(database().dialect().render(
      "INSERT INTO {kinbox}.parked_events (consumer, event_id, topic, partition, record_offset, "
      "fingerprint) VALUES ('email', 'e-1', 'orders', 3, 1, " +
      std::string(is_sqlite() ? "x'00'" : "'\\x00'") + ")"));
  EXPECT_THAT(import({letter(7, "e-1")}), ElementsAre(ImportOutcome::kKnown));
}

TEST_P(LetterImportContract, ADeadEventWhoseLetterIsGoneGetsOneAgain) {
  decided("e-1", Verdict::kDead);
  EXPECT_THAT(import({letter(7, "e-1")}), ElementsAre(ImportOutcome::kImported));
  EXPECT_EQ(text("SELECT state FROM {kinbox}.dead_letters"), "open");
}

TEST_P(LetterImportContract, OfRepeatsInOneImportTheFirstCounts) {
  EXPECT_THAT(
      import({letter(7, "e-1"), letter(8, "e-1"), letter(9, "e-1", "another"),
              letter(10, std::nullopt), letter(10, std::nullopt)}),
      ElementsAre(ImportOutcome::kImported, ImportOutcome::kKnown, ImportOutcome::kIdConflict,
                  ImportOutcome::kImported, ImportOutcome::kKnown));
  EXPECT_EQ(letters(), 3);
}

TEST_P(LetterImportContract, WhatWasDecidedBeforeStaysDecided) {
  auto resolved = letter(7, "e-1");
  resolved.state = ImportedLetter::State::kResolved;
  auto discarded = letter(8, "e-2");
  discarded.state = ImportedLetter::State::kDiscarded;
  import({resolved, discarded});
  EXPECT_EQ(text("SELECT state FROM {kinbox}.dead_letters WHERE event_id = 'e-1'"), "resolved");
  EXPECT_EQ(text("SELECT state FROM {kinbox}.dead_letters WHERE event_id = 'e-2'"), "discarded");
}

TEST_P(LetterImportContract, HistorySaysWhereALetterCameFromAndWhoseDoingItIs) {
  import({letter(7, "e-1")}, 42);
  const auto row = query("SELECT what, detail, audit_id FROM {kinbox}.dead_letter_history")[0];
  EXPECT_EQ(row.get<std::string>("what"), "imported");
  EXPECT_EQ(row.get<std::string>("detail"), "old.jsonl");
  EXPECT_EQ(row.get<std::int64_t>("audit_id"), 42);
}

TEST_P(LetterImportContract, ManyLettersGoInTogether) {
  std::vector<ImportedLetter> many;
  for (int i = 0; i < 1201; ++i) many.push_back(letter(i, "e-" + std::to_string(i)));
  EXPECT_THAT(import(many), AllOf(SizeIs(1201), Each(ImportOutcome::kImported)));
  EXPECT_EQ(letters(), 1201);
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.dead_letter_history"), 1201);
}

TEST_P(LetterImportContract, TheFingerprintIsTheOneThatTheInboxCompares) {
  const std::string framed("\0\0\0\0\1v", 6);
  decided("e-1", Verdict::kApplied, "v");
  EXPECT_THAT(import({letter(7, "e-1", framed)}), ElementsAre(ImportOutcome::kAppliedAlready));
}

TEST_P(LetterImportContract, WhatCannotBeStoredIsNamed) {
  const auto refusal = [&](void (*spoil)(ImportedLetter&)) -> std::string {
    auto spoiled = letter(7, "e-1");
    spoil(spoiled);
    try {
      import({letter(6, "e-0"), spoiled});
    } catch (const Error& e) {
      return e.what();
    }
    return "(accepted)";
  };
  EXPECT_THAT(refusal([](auto& l) { l.event_id = ""; }), HasSubstr("orders/3@7 has an event id"));
  EXPECT_THAT(refusal([](auto& l) { l.event_id = std::string("a\0b", 3); }), HasSubstr("event id"));
  EXPECT_THAT(refusal([](auto& l) { l.record.topic = ""; }), HasSubstr("topic"));
  EXPECT_THAT(refusal([](auto& l) { l.topic_id = "\xff"; }), HasSubstr("topic id"));
  EXPECT_THAT(refusal([](auto& l) { l.record.partition = -1; }), HasSubstr("partition"));
  EXPECT_THAT(refusal([](auto& l) { l.record.offset = -1; }), HasSubstr("offset"));
  EXPECT_THAT(refusal([](auto& l) { l.failure.reason = ""; }), HasSubstr("reason"));
  EXPECT_THAT(refusal([](auto& l) { l.event_type = "\xff"; }), HasSubstr("event type"));
  EXPECT_EQ(letters(), 0);
}

/// Two imports of one file at once.
class LetterImportRace : public LetterImportContract {};

TEST_P(LetterImportRace, TheSecondOfTwoIsToldToComeAgain) {
  const auto other = connect();
  const auto first = other->begin();
  const std::vector<ImportedLetter> poison{letter(8, std::nullopt)};
  importer().run(*first, poison, "old.jsonl", {});
  auto second = std::async(std::launch::async, [&] { return import(poison); });
  EXPECT_TRUE(eventually([&] { return home().waiting() == 1; }));
  first->commit();
  EXPECT_THROW(second.get(), InfrastructureError);
  EXPECT_EQ(letters(), 1);
}

class AuditContract : public DatabaseContract {};

TEST_P(AuditContract, AnActionIsOneRowWithAnEmptyOutcomeUntilItIsDone) {
  const Audit audit(database().dialect());
  const auto read = [&] {
    return database().begin()->query(database().dialect().render("SELECT * FROM {kinbox}.audit"));
  };
  auto tx = database().begin();
  const auto id = audit.begin(*tx, {.who = "zoe@desk",
                                    .action = "dlq retry",
                                    .consumer = "orders",
                                    .filter = "group 00ff",
                                    .reason = std::string("bad \xff byte")});
  tx->commit();
  auto row = read()[0];
  EXPECT_EQ(row.get<std::int64_t>("id"), id);
  EXPECT_EQ(row.get<std::string>("who"), "zoe@desk");
  EXPECT_EQ(row.get<std::string>("action"), "dlq retry");
  EXPECT_EQ(row.get<std::string>("consumer"), "orders");
  EXPECT_EQ(row.get<std::string>("filter"), "group 00ff");
  EXPECT_EQ(row.get<std::string>("reason"), "bad \xEF\xBF\xBD byte");
  EXPECT_EQ(row.get<std::string>("outcome"), "");
  tx = database().begin();
  audit.note(*tx, id, 812, "done");
  tx->commit();
  row = read()[0];
  EXPECT_EQ(row.get<std::int64_t>("affected"), 812);
  EXPECT_EQ(row.get<std::string>("outcome"), "done");
}

}  // namespace

KINBOX_FOR_ALL_DATABASES(LetterImportContract);
KINBOX_FOR_ALL_DATABASES(AuditContract);
KINBOX_FOR_POSTGRES(LetterImportRace);

}  // namespace kinbox::testing
