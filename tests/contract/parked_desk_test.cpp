#include "cli/parked/parked_desk.hpp"

#include <gmock/gmock.h>

#include "cli/dlq/letter_desk.hpp"
#include "cli/dlq/purge.hpp"
#include "core/error_group.hpp"
#include "core/header_codec.hpp"
#include "core/letter_import.hpp"
#include "core/outbox_place.hpp"
#include "kinbox/inbox.hpp"
#include "support/test_database.hpp"

namespace kinbox::cli {
namespace {

using testing::DatabaseContract;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ParkedDeskContract : public DatabaseContract {
 protected:
  void prepare() override {
    DatabaseContract::prepare();
    script(database().dialect().render(
        "INSERT INTO {kinbox}.consumers (name, group_id) VALUES ('orders', 'shop');"
        "INSERT INTO {kinbox}.consumer_progress (consumer, topic, partition, first_offset, "
        "next_offset, parked, applied) VALUES ('orders', 't', 0, 0, 10, 5, 5)"));
  }

  /// An event of consumer orders that waits; the first of its queue an hour.
  std::int64_t park(Offset offset, std::optional<std::string> key, bool is_head = false,
                    std::optional<std::int64_t> letter = {}) {
    const auto id = "e-" + std::to_string(offset);
    const auto value = "v" + std::to_string(offset);
    const auto tx = database().begin();
    if (!letter)
      Inbox("orders", tx->dialect())
          .claim(*tx, std::vector<Inbox::Claim>{{.event_id = id,
                                                 .event_type = "Paid",
                                                 .topic = "t",
                                                 .partition = 0,
                                                 .offset = offset,
                                                 .verdict = Verdict::kParked,
                                                 .fingerprint = Fingerprint::of(as_bytes(value))}});
    const auto place = outbox_place("t", key ? *key : "0/" + std::to_string(offset));
    const auto key_bytes = key ? SqlParam(as_bytes(*key)) : SqlParam(nullptr);
    const std::optional<std::string> due =
        is_head ? std::optional<std::string>("2999-01-01T00:00:00.000Z") : std::nullopt;
    const auto headers = encode_headers({{"h", as_bytes("x")}});
    const auto row = tx->query(
        database().dialect().render(
            "INSERT INTO {kinbox}.parked_events (consumer, event_id, event_type, topic, topic_id, "
            "partition, record_offset, key, value, headers, fingerprint, reason, handler, "
            "error_text, attempts, first_failed_at, due_at, queue, dead_letter_id, seen_again) "
            "VALUES ('orders', $1, 'Paid', 't', 'tid', 0, $2, $3, $4, $5, $6, 'retries_exhausted', "
            "'stock', 'zoe@example.com is unknown', 3, '2026-01-31T12:00:00.000Z', $7, $8, $9, 2) "
            "RETURNING id"),
        id, offset, key_bytes, as_bytes(value), headers, Fingerprint::of(as_bytes(value)).bytes(),
        due, place.hash, letter);
    const auto parked = row[0].get<std::int64_t>(0);
    tx->commit();
    return parked;
  }

  /// An imported letter of offset 1 that was requested, and waits in its key's queue.
  std::int64_t park_letter() {
    ImportedLetter letter;
    letter.record = {.topic = "t",
                     .partition = 0,
                     .offset = 1,
                     .timestamp = {},
                     .key = "k",
                     .value = "v1",
                     .headers = {}};
    letter.topic_id = "tid";
    letter.event_id = "e-1";
    letter.failure.reason = "handler_rejected";
    letter.failure.attempts = 2;
    {
      const auto tx = database().begin();
      LetterImport("orders", tx->dialect()).run(*tx, std::vector{letter}, "test", {});
      tx->commit();
    }
    script(
        database().dialect().render("UPDATE {kinbox}.processed_events SET verdict = 'parked';"
                                    "UPDATE {kinbox}.letter_states SET state = 'parked';"
                                    "UPDATE {kinbox}.letters SET crashes = 2"));
    const auto parked = park(1, "k", true, number("SELECT id FROM {kinbox}.dead_letters"));
    script(database().dialect().render("UPDATE {kinbox}.parked_events SET imported = " +
                                       std::string(is_sqlite() ? "1" : "true")));
    return parked;
  }
  std::vector<std::string> history() {
    std::vector<std::string> words;
    for (const auto row : query("SELECT what FROM {kinbox}.dead_letter_history ORDER BY id"))
      words.push_back(row.get<std::string>(0));
    return words;
  }

  Rows query(std::string_view sql) {
    return database().begin()->query(database().dialect().render(sql));
  }
  std::string text(std::string_view sql) { return query(sql)[0].get<std::string>(0); }
  /// Parked events that are due now.
  std::vector<std::int64_t> due() {
    std::vector<std::int64_t> ids;
    for (const auto row : query("SELECT id FROM {kinbox}.parked_events WHERE due_at <= {now} "
                                "ORDER BY id"))
      ids.push_back(row.get<std::int64_t>(0));
    return ids;
  }
  std::int64_t waiting() {
    return number("SELECT count(*) FROM {kinbox}.parked_events WHERE due_at IS NOT NULL");
  }

  static Audit::Action by(const std::string& who) {
    return {.who = who, .action = "parked", .reason = "because"};
  }
  static DeadLetters::Options letters(const std::string& consumer) {
    return {.consumer = consumer, .group = "shop"};
  }
  ParkedDesk desk(std::size_t at_once = 500) { return ParkedDesk(database(), at_once); }
};

TEST_P(ParkedDeskContract, APlanKnowsTheFirstOfEachQueue) {
  const auto first = park(1, "k", true);
  const auto second = park(2, "k");
  const auto lone = park(3, std::nullopt, true);
  const auto events = desk().plan({}, false);
  ASSERT_THAT(events, SizeIs(3));
  for (const auto& event : events) {
    EXPECT_EQ(event.head, event.id == second ? first : event.id);
    EXPECT_EQ(event.has_key, event.id != lone);
  }
  EXPECT_THAT(desk().plan({}, true), SizeIs(2));
  EXPECT_THAT(desk().plan({.key = "k"}, true), SizeIs(1));
}

TEST_P(ParkedDeskContract, ARetriedHeadIsDueNowAndItsOwnerIsTold) {
  const auto first = park(1, "k", true);
  park(2, "k");
  const auto id = desk().retry(desk().plan({.ids = {first}}, true), by("zoe"));
  EXPECT_THAT(due(), ElementsAre(first));
  EXPECT_EQ(waiting(), 1);
  EXPECT_EQ(number("SELECT control_version FROM {kinbox}.consumer_progress"), 1);
  EXPECT_EQ(number("SELECT control_version FROM {kinbox}.consumers"), 1);
  const auto audit = query("SELECT * FROM {kinbox}.audit")[0];
  EXPECT_EQ(audit.get<std::int64_t>("id"), id);
  EXPECT_EQ(audit.get<std::string>("consumer"), "orders");
  EXPECT_EQ(audit.get<std::int64_t>("affected"), 1);
  EXPECT_EQ(audit.get<std::string>("outcome"), "done");
}

TEST_P(ParkedDeskContract, OfAQueueOnlyOneEventIsDue) {
  // A letter that joined its key's queue stands before the one that is due.
  const auto first = park(1, "k");
  park(2, "k", true);
  desk().retry(desk().plan({}, true), by("zoe"));
  EXPECT_THAT(due(), ElementsAre(first));
  EXPECT_EQ(waiting(), 1);
}

TEST_P(ParkedDeskContract, AReleasedHeadKeepsNobodyWaiting) {
  const auto first = park(1, "k", true);
  const auto second = park(2, "k");
  park(3, "k");
  desk().release(desk().plan({}, true), by("zoe"));
  EXPECT_THAT(due(), ElementsAre(first, second));
  EXPECT_EQ(number("SELECT queue FROM {kinbox}.parked_events WHERE record_offset = 1"),
            outbox_place("t", "0/1").hash);
  EXPECT_EQ(number("SELECT queue FROM {kinbox}.parked_events WHERE record_offset = 2"),
            outbox_place("t", "k").hash);
}

TEST_P(ParkedDeskContract, ADeadLetterIsMadeOfAParkedEvent) {
  const auto first = park(1, "k", true);
  const auto second = park(2, "k");
  desk().dead_letter(desk().plan({.ids = {first}}, false), letters, by("zoe"));
  EXPECT_THAT(due(), ElementsAre(second));
  const auto row = query("SELECT * FROM {kinbox}.dead_letters")[0];
  EXPECT_EQ(row.get<std::string>("event_id"), "e-1");
  EXPECT_EQ(row.get<std::string>("event_type"), "Paid");
  EXPECT_EQ(row.get<std::string>("state"), "open");
  EXPECT_EQ(row.get<std::string>("topic_id"), "tid");
  EXPECT_EQ(row.get<std::int64_t>("record_offset"), 1);
  EXPECT_EQ(row.get<ByteVector>("value"), ByteVector({std::byte{'v'}, std::byte{'1'}}));
  EXPECT_EQ(row.get<std::string>("headers"), R"([["h","eA=="]])");
  EXPECT_EQ(row.get<std::string>("reason"), "retries_exhausted");
  EXPECT_EQ(row.get<std::string>("handler"), "stock");
  EXPECT_EQ(row.get<std::int64_t>("attempts"), 3);
  EXPECT_EQ(row.get<std::int64_t>("seen_again"), 2);
  EXPECT_THAT(row.get<std::string>("first_failed_at"), HasSubstr("2026-01-31"));
  EXPECT_THAT(row.get<std::string>("error_group"), SizeIs(16));
  EXPECT_EQ(row.get<ByteVector>("fingerprint"),
            query("SELECT fingerprint FROM {kinbox}.processed_events WHERE event_id = 'e-1'")[0]
                .get<ByteVector>(0));
  EXPECT_EQ(text("SELECT verdict FROM {kinbox}.processed_events WHERE event_id = 'e-1'"), "dead");
  EXPECT_EQ(text("SELECT verdict FROM {kinbox}.processed_events WHERE event_id = 'e-2'"), "parked");
  EXPECT_EQ(number("SELECT parked FROM {kinbox}.consumer_progress"), 4);
  EXPECT_EQ(number("SELECT dead FROM {kinbox}.consumer_progress"), 1);
  EXPECT_EQ(text("SELECT topic FROM {kinbox}.outbox"), "dlq.shop.t");
  EXPECT_EQ(text("SELECT what FROM {kinbox}.dead_letter_history"), "dead_lettered");
  EXPECT_EQ(text("SELECT detail FROM {kinbox}.dead_letter_history"), "because");
}

TEST_P(ParkedDeskContract, OneFromTheMiddleLeavesTheFirstAsItIs) {
  park(1, "k", true);
  const auto second = park(2, "k");
  park(3, "k");
  desk().dead_letter(desk().plan({.ids = {second}}, false), letters, by("zoe"));
  EXPECT_THAT(due(), IsEmpty());
  EXPECT_EQ(waiting(), 1);
}

TEST_P(ParkedDeskContract, WholeQueuesGoInSeveralTransactionsAndOneAct) {
  for (Offset offset = 1; offset <= 5; ++offset) park(offset, "k", offset == 1);
  desk(2).dead_letter(desk().plan({}, false), letters, by("zoe"));
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.parked_events"), 0);
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.dead_letters"), 5);
  EXPECT_EQ(number("SELECT parked FROM {kinbox}.consumer_progress"), 0);
  EXPECT_EQ(number("SELECT dead FROM {kinbox}.consumer_progress"), 5);
  EXPECT_EQ(number("SELECT affected FROM {kinbox}.audit"), 5);
}

TEST_P(ParkedDeskContract, ALetterThatFailedInItsQueueIsThatLetterAgain) {
  park_letter();
  desk().dead_letter(desk().plan({}, true), letters, by("zoe"));
  const auto row = query("SELECT * FROM {kinbox}.dead_letters")[0];
  EXPECT_EQ(row.get<std::string>("state"), "open");
  EXPECT_EQ(row.get<std::int64_t>("redrive_count"), 1);
  EXPECT_EQ(row.get<std::string>("reason"), "retries_exhausted");
  EXPECT_EQ(row.get<std::int64_t>("attempts"), 5) << "two before, three in the queue";
  EXPECT_EQ(row.get<std::int64_t>("crashes"), 0) << "it begins anew, as everywhere";
  EXPECT_EQ(row.get<std::string>("error_group"),
            error_group({.reason = "retries_exhausted",
                         .handler = "stock",
                         .error_type = "",
                         .error_code = "",
                         .error_text = "zoe@example.com is unknown",
                         .attempts = 3,
                         .first_failed_at = {}}));
  EXPECT_EQ(text("SELECT verdict FROM {kinbox}.processed_events"), "dead");
  EXPECT_EQ(number("SELECT parked FROM {kinbox}.consumer_progress"), 5)
      << "it was imported: no counter knows it";
}

TEST_P(ParkedDeskContract, ALetterThatFailedInItsQueueGoesToItsTopicOnceMore) {
  park_letter();
  desk().dead_letter(desk().plan({}, true), letters, by("zoe"));
  const auto sent = query("SELECT * FROM {kinbox}.outbox");
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].get<std::string>("message_id"), "dlq:orders:t/0/1");
  EXPECT_EQ(sent[0].get<std::string>("topic"), "dlq.shop.t");
  EXPECT_THAT(history(), ElementsAre("imported", "failed_again", "dead_lettered"));
}

TEST_P(ParkedDeskContract, ALetterThatOnlyWaitedKeepsTheErrorItDiedOf) {
  park_letter();
  script(
      database().dialect().render("UPDATE {kinbox}.parked_events SET attempts = 0, "
                                  "reason = 'behind_parked', error_text = 'an earlier waits'"));
  desk().dead_letter(desk().plan({}, true), letters, by("zoe"));
  const auto row = query("SELECT * FROM {kinbox}.dead_letters")[0];
  EXPECT_EQ(row.get<std::string>("state"), "open");
  EXPECT_EQ(row.get<std::string>("reason"), "handler_rejected");
  EXPECT_EQ(row.get<std::int64_t>("redrive_count"), 0);
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.outbox"), 0) << "nothing to say that is new";
  EXPECT_THAT(history(), ElementsAre("imported", "dead_lettered"));
}

TEST_P(ParkedDeskContract, WhatCameAgainWhileALetterWaitedIsCountedWithIt) {
  park_letter();
  script(database().dialect().render("UPDATE {kinbox}.letters SET seen_again = 5"));
  desk().dead_letter(desk().plan({}, true), letters, by("zoe"));
  EXPECT_EQ(number("SELECT seen_again FROM {kinbox}.dead_letters"), 7);
}

TEST_P(ParkedDeskContract, WhatWasTriedMeanwhileIsNotChanged) {
  park(1, "k", true);
  const auto heads = desk().plan({}, true);
  script(database().dialect().render("DELETE FROM {kinbox}.parked_events"));
  EXPECT_THROW(desk().retry(heads, by("zoe")), LettersMoved);
  EXPECT_THROW(desk().release(heads, by("zoe")), LettersMoved);
  EXPECT_THROW(desk().dead_letter(heads, letters, by("zoe")), LettersMoved);
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.audit"), 0);
  EXPECT_EQ(number("SELECT control_version FROM {kinbox}.consumer_progress"), 0);
}

TEST_P(ParkedDeskContract, AHeadThatIsNoneAnyMoreIsNotReleased) {
  park(5, "k", true);
  const auto heads = desk().plan({}, true);
  park(4, "k");
  EXPECT_THROW(desk().release(heads, by("zoe")), LettersMoved);
}

class PurgeContract : public ParkedDeskContract {};

TEST_P(PurgeContract, ErasesWhatOnePersonsRecordsHeldAndKeepsTheVerdicts) {
  park(1, "zoe", true);
  park(2, "zoe");
  park(3, "max", true);
  const auto dead = park(4, "zoe");
  desk().dead_letter(desk().plan({.ids = {dead}}, false), letters, by("zoe"));
  script(database().dialect().render(
      "UPDATE {kinbox}.dead_letter_history SET detail = 'zoe@example.com';"
      "UPDATE {kinbox}.letters SET edited_value = value"));
  const LetterSelection zoe{.key = "zoe"};
  const auto plan = plan_purge(database(), zoe);
  EXPECT_EQ(plan.letters(), 1);
  EXPECT_EQ(plan.parked(), 2);
  purge(database(), zoe, plan, {.who = "zoe", .action = "dlq purge"});
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.dead_letters WHERE key IS NULL AND value IS NULL "
                   "AND headers = '[]' AND edited_value IS NULL AND error_text = '' AND "
                   "purged_at IS NOT NULL AND state = 'discarded' AND reason <> ''"),
            3);
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.parked_events"), 1) << "max's";
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.processed_events WHERE verdict = 'dead'"), 3);
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.outbox WHERE key IS NULL AND "
                   "state = 'discarded'"),
            1)
      << "the relay would send a tombstone";
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.outbox"), 1);
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.dead_letter_history WHERE detail <> ''"), 0);
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.dead_letter_history WHERE what = 'purged'"), 3);
  EXPECT_EQ(number("SELECT affected FROM {kinbox}.audit WHERE action = 'dlq purge'"), 3);
  EXPECT_EQ(number("SELECT parked FROM {kinbox}.consumer_progress"), 2);
  EXPECT_EQ(plan_purge(database(), zoe).by_consumer.size(), 0u);
}

TEST_P(PurgeContract, OneEventIsFoundByItsIdAlsoUnderTheIdItIsTriedWith) {
  park(1, "k", true);
  park(2, "k");
  desk().dead_letter(desk().plan({}, true), letters, by("zoe"));
  script(
      database().dialect().render("UPDATE {kinbox}.letters SET retry_as = 'other';"
                                  "DELETE FROM {kinbox}.letter_states"));
  const LetterSelection other{.event_id = "other"};
  const auto plan = plan_purge(database(), other);
  EXPECT_EQ(plan.letters(), 1);
  purge(database(), other, plan, {.who = "zoe", .action = "dlq purge"});
  EXPECT_EQ(text("SELECT state FROM {kinbox}.dead_letters"), "resolved") << "a verdict stays";
  EXPECT_EQ(plan_purge(database(), {.event_id = "e-2"}).parked(), 1);
  EXPECT_EQ(plan_purge(database(), {.consumer = "mail", .event_id = "e-2"}).parked(), 0);
}

TEST_P(PurgeContract, IsWhatWasAgreedToOrNothing) {
  park(1, "zoe", true);
  const LetterSelection zoe{.key = "zoe"};
  const auto plan = plan_purge(database(), zoe);
  park(2, "zoe");
  EXPECT_THROW(purge(database(), zoe, plan, {.who = "zoe", .action = "dlq purge"}), LettersMoved);
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.parked_events WHERE value IS NOT NULL"), 2);
}

}  // namespace

KINBOX_FOR_ALL_DATABASES(ParkedDeskContract);
KINBOX_FOR_ALL_DATABASES(PurgeContract);

}  // namespace kinbox::cli
