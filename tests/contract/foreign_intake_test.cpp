#include <gmock/gmock.h>

#include <utility>

#include "core/foreign/intake.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/inbox.hpp"
#include "kinbox/testing/fault_database.hpp"
#include "support/captured_records.hpp"
#include "support/test_database.hpp"

namespace kinbox::foreign {
namespace {

using kinbox::testing::captured_records;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<ForeignLetter> letters_of(const std::vector<OwnedRecord>& records) {
  std::vector<ForeignLetter> letters;
  for (const auto& record : records) letters.push_back(read_letter(Record(record)));
  return letters;
}

std::vector<ForeignLetter> captured(const std::string& file) {
  return letters_of(captured_records(file));
}

/// A record whose headers nobody knows.
OwnedRecord plain(Offset offset, std::int32_t partition = 5) {
  return {.topic = "graveyard",
          .partition = partition,
          .offset = offset,
          .timestamp = std::nullopt,
          .key = "k",
          .value = "v" + std::to_string(offset),
          .headers = {{"id", "e-" + std::to_string(partition) + '-' + std::to_string(offset)}}};
}

class ForeignIntake : public kinbox::testing::DatabaseContract {
 protected:
  AdoptionRules rules(std::vector<std::string> topics) const {
    return {.topics = std::move(topics),
            .decoder = EventDecoder{},
            .origin = std::nullopt,
            .group = std::nullopt,
            .look_up = [](const std::string& topic) {
              return AdoptionRules::Topic{.id = "id-of-" + topic, .partitions = 3};
            }};
  }

  Intake::Options options() const {
    return {.consumer = "billing",
            .from = "dlq topic graveyard",
            .action = {.who = "zoe", .action = "dlq topic import", .consumer = "billing"}};
  }

  Intake intake(AdoptionRules with, Intake::Options how) {
    return {database(), Adoption(std::move(with)), std::move(how)};
  }
  Intake intake(std::vector<std::string> topics) {
    return intake(rules(std::move(topics)), options());
  }

  /// Columns of all letters, each row as one text, in order of their ids.
  std::vector<std::string> letters(const std::string& columns) {
    std::vector<std::string> rows;
    const auto tx = database().begin();
    for (const auto row : tx->query(tx->dialect().render(
             "SELECT " + columns + " AS text FROM {kinbox}.dead_letters ORDER BY id")))
      rows.push_back(row.get<std::string>("text"));
    return rows;
  }

  std::int64_t count(const std::string& from) {
    return number("SELECT count(*) FROM {kinbox}." + from);
  }
};

TEST_P(ForeignIntake, ALetterStandsWhereItsRecordWasConsumed) {
  auto taken = intake({"payments"});
  taken.take(captured("spring"));
  EXPECT_EQ(taken.tally().imported, 2);
  EXPECT_THAT(letters("topic || '/' || partition || '@' || record_offset || ' ' || topic_id || ' ' "
                      "|| event_id || ' ' || state || ' ' || reason || ' ' || attempts"),
              ElementsAre("payments/2@0 id-of-payments e-p-1 open imported 3",
                          "payments/2@1 id-of-payments e-p-2 open imported 3"));
  EXPECT_THAT(letters("error_type")[0], "java.lang.IllegalStateException");
  EXPECT_THAT(letters("error_text")[0],
              AllOf(HasSubstr("no account for {\"amount\": 5}\nat Spring$Listeners.pay")));
  EXPECT_EQ(letters("headers")[0], R"([["id","ZS1wLTE="]])");
  EXPECT_EQ(count("dead_letters WHERE record_timestamp_ms = 1769860800000"), 2);
  EXPECT_EQ(count("processed_events WHERE verdict = 'dead'"), 2);
  EXPECT_THAT(letters("error_group"), ElementsAre(letters("error_group")[1], ::testing::_))
      << "one cause is one group";
}

TEST_P(ForeignIntake, ASecondImportAddsNothing) {
  for (int round = 0; round < 2; ++round) {
    auto taken = intake({"payments", "orders"});
    taken.take(captured("spring"));
    taken.take(captured("spring_retry_topic"));
    EXPECT_EQ(taken.tally().written(), round == 0 ? 3 : 0);
    EXPECT_EQ(taken.tally().known, round == 0 ? 0 : 3);
  }
  EXPECT_EQ(count("dead_letters"), 3);
}

TEST_P(ForeignIntake, WhatWasAppliedHereIsResolved) {
  const auto records = captured_records("spring");
  {
    const auto tx = database().begin();
    const auto value = as_bytes(*records[0].value);
    const std::vector claims{Inbox::Claim{.event_id = "e-p-1",
                                          .event_type = "payments",
                                          .topic = "payments",
                                          .partition = 2,
                                          .offset = 0,
                                          .verdict = Verdict::kApplied,
                                          .fingerprint = Fingerprint::of(value)}};
    Inbox("billing", tx->dialect()).claim(*tx, claims);
    tx->commit();
  }
  auto taken = intake({"payments"});
  taken.take(letters_of(records));
  EXPECT_EQ(taken.tally().applied_already, 1);
  EXPECT_EQ(taken.tally().imported, 1);
  EXPECT_THAT(letters("event_id || ' ' || state"),
              ::testing::UnorderedElementsAre("e-p-1 resolved", "e-p-2 open"));
}

TEST_P(ForeignIntake, RecordsOfOtherTopicsAndGroupsStayWhereTheyAre) {
  auto of_group = rules({"payments", "orders"});
  of_group.group = "billing";
  auto taken = intake(std::move(of_group), options());
  taken.take(captured("spring"));              // group billing
  taken.take(captured("spring_retry_topic"));  // group shipping
  taken.take(captured("streams"));             // of topic readings
  EXPECT_EQ(taken.tally().read, 5);
  EXPECT_EQ(taken.tally().imported, 2);
  EXPECT_EQ(taken.tally().other_group, 1);
  EXPECT_EQ(taken.tally().other_topic, 2);
  EXPECT_THAT(taken.tally().notes, IsEmpty());
}

TEST_P(ForeignIntake, WithoutAPlaceALetterStandsWhereItsOwnerLooks) {
  auto taken = intake({"orders"});
  taken.take(letters_of({plain(7, 5), plain(7, 2)}));
  EXPECT_EQ(taken.tally().imported, 2);
  EXPECT_THAT(letters("topic || '/' || partition || '@' || record_offset || ' ' || topic_id"),
              ElementsAre("orders/2@7 dlq:graveyard/5", "orders/2@7 dlq:graveyard/2"));
  auto again = intake({"orders"});
  again.take(letters_of({plain(7, 5), plain(7, 2)}));
  EXPECT_EQ(again.tally().known, 2);
}

TEST_P(ForeignIntake, APlaceInADlqIsNobodyElses) {
  auto own = plain(7);
  own.headers = {{"id", "e-of-place-2-7"},
                 {"__dlq.errors.topic", "orders"},
                 {"__dlq.errors.partition", "2"},
                 {"__dlq.errors.offset", "7"},
                 {"kinbox-reason", "retries_exhausted"}};
  auto taken = intake({"orders"});
  taken.take(letters_of({own}));
  script("UPDATE {kinbox}.letters SET topic_id = ''");
  taken.take(letters_of({plain(7, 5)}));
  ASSERT_EQ(taken.tally().imported, 2) << "both stand at orders/2@7";
  EXPECT_THAT(letters("error_text")[1], HasSubstr("its offset is that in graveyard/5"));
}

TEST_P(ForeignIntake, WithoutATopicTheOriginMustBeNamed) {
  auto unclear = intake({"orders", "payments"});
  unclear.take(letters_of({plain(7)}));
  EXPECT_EQ(unclear.tally().unclear, 1);
  EXPECT_THAT(unclear.tally().notes,
              ElementsAre("graveyard/5@7: does not say which topic it came from; --origin TOPIC "
                          "says it for all such"));
  auto with_origin = rules({"orders", "payments"});
  with_origin.origin = "payments";
  auto taken = intake(std::move(with_origin), options());
  taken.take(letters_of({plain(7)}));
  EXPECT_THAT(letters("topic"), ElementsAre("payments"));
}

TEST_P(ForeignIntake, ADamagedHeaderIsNamedAndCostsNoRecord) {
  auto record = captured_records("spring").at(0);
  for (auto& header : record.headers)
    if (header.name == "kafka_dlt-original-offset") header.value = "soon";
  auto taken = intake({"payments"});
  taken.take(letters_of({record}));
  EXPECT_EQ(taken.tally().imported, 1);
  EXPECT_THAT(taken.tally().notes,
              ElementsAre("payments-dlt/2@0: header kafka_dlt-original-offset is no number"));
  EXPECT_THAT(letters("error_text")[0], HasSubstr("(header kafka_dlt-original-offset is no"));
  EXPECT_THAT(letters("topic || '/' || partition || ' ' || topic_id"),
              ElementsAre("payments/2 dlq:payments-dlt/2"))
      << "what is told of its place is kept";
}

TEST_P(ForeignIntake, AnIdThatIsThePlaceNeedsThePlace) {
  auto by_coordinates = rules({"orders", "payments"});
  by_coordinates.origin = "orders";
  IdentityRules by_place;
  by_place.id = {{IdFrom::Kind::kCoordinates, "", {}}};
  by_coordinates.decoder = EventDecoder(by_place);
  auto taken = intake(std::move(by_coordinates), options());
  taken.take(letters_of({plain(7)}));
  taken.take(captured("spring"));
  EXPECT_EQ(taken.tally().unclear, 1);
  EXPECT_THAT(taken.tally().notes[0], HasSubstr("would have its coordinates as its id"));
  EXPECT_THAT(letters("event_id"), ElementsAre("payments/2/0", "payments/2/1"));
}

TEST_P(ForeignIntake, UndecidedIdsAreLeftOutWithTheLineToAdd) {
  auto record = plain(7);
  record.headers = {{"id", "4711"}};
  auto taken = intake({"orders"});
  taken.take(letters_of({record}));
  EXPECT_EQ(taken.tally().unclear, 1);
  EXPECT_THAT(taken.tally().notes[0], HasSubstr("id_scope"));
}

TEST_P(ForeignIntake, PoisonIsALetterWithoutAnId) {
  auto record = plain(7);
  record.headers.clear();
  auto taken = intake({"orders"});
  taken.take(letters_of({record}));
  EXPECT_EQ(taken.tally().imported, 1);
  EXPECT_EQ(count("dead_letters WHERE event_id IS NULL"), 1);
  EXPECT_EQ(count("processed_events"), 0);
}

TEST_P(ForeignIntake, WhatHasNoCopyAndIsGoneIsLeftOut) {
  auto taken = intake({"tickets"});
  taken.take(captured("share_group_bare"));
  taken.take(captured("share_group"));
  EXPECT_EQ(taken.tally().unclear, 1);
  EXPECT_EQ(taken.tally().imported, 1) << "its value is there, if not its headers";
}

TEST_P(ForeignIntake, TheLimitCountsNewLetters) {
  auto few = options();
  few.limit = 1;
  for (int round = 0; round < 3; ++round) {
    auto taken = intake(rules({"payments", "orders"}), few);
    taken.take(captured("spring"));
    if (!taken.full()) taken.take(captured("spring_retry_topic"));
    EXPECT_EQ(taken.tally().written(), 1);
    EXPECT_TRUE(taken.full());
    EXPECT_EQ(count("dead_letters"), round + 1);
  }
}

TEST_P(ForeignIntake, ADryRunCountsAndKeepsNothing) {
  auto dry = options();
  dry.dry_run = true;
  auto taken = intake(rules({"payments"}), dry);
  taken.take(captured("spring"));
  taken.finish();
  EXPECT_EQ(taken.tally().imported, 2);
  EXPECT_EQ(taken.audit_id(), 0);
  EXPECT_EQ(count("dead_letters"), 0);
  EXPECT_EQ(count("processed_events"), 0);
  EXPECT_EQ(count("audit"), 0);
}

TEST_P(ForeignIntake, IsOneActionOfTheAuditThatKnowsHowFarItCame) {
  auto taken = intake({"payments", "orders"});
  taken.take(captured("spring"));
  EXPECT_EQ(count("audit WHERE who = 'zoe' AND affected = 2 AND outcome = ''"), 1)
      << "cut short here, it shows";
  taken.take(captured("spring_retry_topic"));
  taken.finish();
  EXPECT_EQ(count("audit WHERE affected = 3 AND outcome = 'done' AND consumer = 'billing'"), 1);
  EXPECT_EQ(count("audit"), 1);
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.dead_letter_history WHERE what = 'imported' AND "
                   "detail = 'dlq topic graveyard' AND audit_id = " +
                   std::to_string(taken.audit_id())),
            3);
}

TEST_P(ForeignIntake, APortionThatFailsIsTakenAgain) {
  using kinbox::testing::FaultPoint;
  for (const auto point : {FaultPoint::kBeforeCommit, FaultPoint::kAfterCommit}) {
    bool fail = true;
    const auto faulty = kinbox::testing::with_faults(connect(), [&](FaultPoint at) {
      if (at == point && std::exchange(fail, false)) throw InfrastructureError("gone");
    });
    Intake taken(*faulty, Adoption(rules({"payments"})), options());
    EXPECT_THROW(taken.take(captured("spring")), InfrastructureError);
    EXPECT_EQ(taken.tally().read, 0);
    EXPECT_EQ(taken.audit_id(), 0);
    taken.take(captured("spring"));
    EXPECT_EQ(taken.tally().written() + taken.tally().known, 2);
    EXPECT_EQ(count("dead_letters"), 2);
  }
}

TEST_P(ForeignIntake, KinboxsOwnLettersKeepTheirReason) {
  auto record = plain(7);
  record.headers.insert(record.headers.end(), {{"__dlq.errors.topic", "orders"},
                                               {"__dlq.errors.partition", "1"},
                                               {"__dlq.errors.offset", "9"},
                                               {"kinbox-reason", "retries_exhausted"},
                                               {"kinbox-handler", "payment"},
                                               {"kinbox-attempts", "99999999999"},
                                               {"kinbox-dead-at", "2026-01-31T12:00:00Z"}});
  auto taken = intake({"orders"});
  taken.take(letters_of({record}));
  EXPECT_THAT(letters("reason || ' ' || handler || ' ' || attempts"),
              ElementsAre("retries_exhausted payment 2147483647"));
  EXPECT_THAT(letters("CAST(dead_at AS text)")[0], ::testing::StartsWith("2026-01-31"));
}

KINBOX_FOR_ALL_DATABASES(ForeignIntake);

}  // namespace
}  // namespace kinbox::foreign
