#include "kinbox/dead_letter.hpp"

#include <gmock/gmock.h>

#include "core/error_group.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/reason.hpp"
#include "support/test_database.hpp"

namespace kinbox::testing {
namespace {

using ::testing::HasSubstr;

OwnedRecord broken_order() {
  return {.topic = "orders",
          .partition = 3,
          .offset = 4211,
          .timestamp = Timestamp(std::chrono::milliseconds(1'700'000'000'123)),
          .key = std::string("k\0\xff", 3),
          .value = std::string("\0not json\xff", 10),
          .headers = {{"id", "e-1"}, {"id", std::nullopt}, {"\xff", std::string("\0", 1)}}};
}

Failure failure(std::string text = "it broke") {
  return {.reason = std::string(reason::kHandlerRejected),
          .handler = "order_view",
          .error_type = "std::runtime_error",
          .error_code = "E42",
          .error_text = std::move(text),
          .attempts = 5,
          .first_failed_at = Timestamp(std::chrono::milliseconds(1'700'000'000'456))};
}

class DeadLetterContract : public DatabaseContract {
 protected:
  void prepare() override { DatabaseContract::prepare(); }

  DeadLetters letters(std::string consumer = "email", bool relay = true) {
    return DeadLetters({.consumer = std::move(consumer), .group = "mailers", .relay = relay},
                       database().dialect());
  }
  Event event(const Record& record, std::string id = "e-1") {
    return Event(record, {.id = std::move(id),
                          .type = "OrderCreated",
                          .payload = {},
                          .unwrapped = {},
                          .fingerprint = Fingerprint::of(record.value())});
  }
  /// Writes a letter for `record` in a transaction of its own.
  void bury(const Record& record, const Event* of, const Failure& why = failure(),
            std::string_view topic_id = {}) {
    const auto tx = database().begin();
    letters().write(*tx, {&record, of, why, topic_id});
    tx->commit();
  }
  Rows letter_rows() {
    return database().begin()->query(
        database().dialect().render("SELECT * FROM {kinbox}.dead_letters ORDER BY id"));
  }
  std::int64_t outbox() { return number("SELECT count(*) FROM {kinbox}.outbox"); }

  const Record record_{broken_order()};
};

TEST_P(DeadLetterContract, ALetterKeepsTheRecordByteForByteAndWhyItFailed) {
  const auto of = event(record_);
  bury(record_, &of);
  const auto rows = letter_rows();
  ASSERT_EQ(rows.size(), 1u);
  const auto row = rows[0];
  const auto bytes = [](std::optional<Bytes> b) { return ByteVector(b->begin(), b->end()); };
  EXPECT_EQ(row.get<std::string>("consumer"), "email");
  EXPECT_EQ(row.get<std::string>("event_id"), "e-1");
  EXPECT_EQ(row.get<std::string>("event_type"), "OrderCreated");
  EXPECT_EQ(row.get<std::string>("topic"), "orders");
  EXPECT_EQ(row.get<std::int64_t>("partition"), 3);
  EXPECT_EQ(row.get<std::int64_t>("record_offset"), 4211);
  EXPECT_EQ(row.get<std::int64_t>("record_timestamp_ms"), 1'700'000'000'123);
  EXPECT_EQ(row.get<ByteVector>("key"), bytes(record_.key()));
  EXPECT_EQ(row.get<ByteVector>("value"), bytes(record_.value()));
  EXPECT_EQ(row.get<std::string>("reason"), "handler_rejected");
  EXPECT_EQ(row.get<std::string>("handler"), "order_view");
  EXPECT_EQ(row.get<std::string>("error_code"), "E42");
  EXPECT_EQ(row.get<std::string>("error_text"), "it broke");
  EXPECT_EQ(row.get<std::int64_t>("attempts"), 5);
  EXPECT_THAT(row.get<std::string>("first_failed_at"), HasSubstr("2023-11-14"));
  EXPECT_EQ(row.get<std::string>("state"), "open");
  EXPECT_EQ(row.get<std::int64_t>("seen_again"), 0);
}

TEST_P(DeadLetterContract, ARecordHasOneLetterHoweverOftenItIsWritten) {
  const auto of = event(record_);
  bury(record_, &of);
  bury(record_, &of, failure("another text"));
  EXPECT_EQ(letter_rows().size(), 1u);
  EXPECT_EQ(letter_rows()[0].get<std::string>("error_text"), "it broke");
  EXPECT_EQ(outbox(), 1);
}

TEST_P(DeadLetterContract, AnotherRecordOrConsumerHasALetterOfItsOwn) {
  const auto of = event(record_);
  bury(record_, &of);
  auto next = broken_order();
  ++next.offset;
  bury(Record(next), nullptr);
  const auto tx = database().begin();
  letters("stock").write(*tx, {&record_, &of, failure()});
  tx->commit();
  EXPECT_EQ(letter_rows().size(), 3u);
}

TEST_P(DeadLetterContract, ATopicThatWasMadeAnewHasLettersOfItsOwnAtTheSameOffsets) {
  bury(record_, nullptr, failure(), "first");
  bury(record_, nullptr, failure(), "second");
  bury(record_, nullptr, failure(), "second");
  ASSERT_EQ(letter_rows().size(), 2u);
  EXPECT_EQ(letter_rows()[0].get<std::string>("topic_id"), "first");
  EXPECT_EQ(letter_rows()[1].get<std::string>("topic_id"), "second");
}

TEST_P(DeadLetterContract, LettersOfOneCauseAreOfOneGroup) {
  const auto of = event(record_);
  bury(record_, &of, failure("order 17 is closed"));
  auto next = broken_order();
  ++next.offset;
  bury(Record(next), nullptr, failure("order 18 is closed"));
  ++next.offset;
  bury(Record(next), nullptr, failure("no such order"));
  const auto rows = letter_rows();
  const auto group = [&](std::size_t row) { return rows[row].get<std::string>("error_group"); };
  EXPECT_EQ(group(0), error_group(failure("order 17 is closed")));
  EXPECT_EQ(group(0), group(1));
  EXPECT_NE(group(0), group(2));
}

TEST_P(DeadLetterContract, PoisonWithoutIdIsKeptByItsCoordinates) {
  bury(record_, nullptr);
  bury(record_, nullptr);
  ASSERT_EQ(letter_rows().size(), 1u);
  EXPECT_EQ(letter_rows()[0].get<std::optional<std::string>>("event_id"), std::nullopt);
}

TEST_P(DeadLetterContract, NullAndEmptyStayApart) {
  auto owned = broken_order();
  owned.key = std::nullopt;
  owned.value = std::nullopt;
  owned.timestamp = std::nullopt;
  bury(Record(owned), nullptr);
  ++owned.offset;
  owned.key = "";
  owned.value = "";
  bury(Record(owned), nullptr);
  const auto rows = letter_rows();
  EXPECT_EQ(rows[0].get<std::optional<ByteVector>>("key"), std::nullopt);
  EXPECT_EQ(rows[0].get<std::optional<ByteVector>>("value"), std::nullopt);
  EXPECT_EQ(rows[0].get<std::optional<std::int64_t>>("record_timestamp_ms"), std::nullopt);
  EXPECT_EQ(rows[1].get<std::optional<ByteVector>>("key"), ByteVector{});
  EXPECT_EQ(rows[1].get<std::optional<ByteVector>>("value"), ByteVector{});
}

TEST_P(DeadLetterContract, WhatAnErrorSaysCannotKeepItsLetterFromBeingWritten) {
  auto why = failure(std::string("NUL \0 and \xff and ", 16) + std::string(100'000, 'x'));
  why.handler = std::string("h\0", 2);
  why.error_type = "\xed\xa0\x80";
  why.error_code = std::string(10'000, '\xc3');
  bury(record_, nullptr, why);
  EXPECT_THAT(letter_rows()[0].get<std::string>("error_text"), HasSubstr("NUL \xEF\xBF\xBD and"));
}

TEST_P(DeadLetterContract, TheLettersRowInTheOutboxPointsToIt) {
  bury(record_, nullptr);
  const auto rows = database().begin()->query(database().dialect().render(
      "SELECT o.topic, o.message_id, o.lane, o.value FROM {kinbox}.outbox AS o JOIN "
      "{kinbox}.dead_letters AS d ON d.id = o.dead_letter_id"));
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].get<std::string>("topic"), "dlq.mailers.orders");
  EXPECT_EQ(rows[0].get<std::string>("message_id"), "dlq:email:orders/3/4211");
  EXPECT_EQ(rows[0].get<std::optional<ByteVector>>("value"), std::nullopt) << "a second copy";
}

TEST_P(DeadLetterContract, WithoutRelayALetterStaysARow) {
  const auto tx = database().begin();
  letters("email", /*relay=*/false).write(*tx, {&record_, nullptr, failure()});
  tx->commit();
  EXPECT_EQ(letter_rows().size(), 1u);
  EXPECT_EQ(outbox(), 0);
}

TEST_P(DeadLetterContract, ARolledBackLetterLeavesNothing) {
  letters().write(*database().begin(), {&record_, nullptr, failure()});
  EXPECT_EQ(letter_rows().size(), 0u);
  EXPECT_EQ(outbox(), 0);
}

TEST_P(DeadLetterContract, SeenAgainIsCountedOnThisEventsLetterOnly) {
  const auto first = event(record_, "e-1");
  bury(record_, &first);
  auto next = broken_order();
  ++next.offset;
  const Record other_record(next);
  const auto other = event(other_record, "e-2");
  bury(other_record, &other);
  const auto tx = database().begin();
  letters().note_seen_again(*tx, "e-1");
  letters().note_seen_again(*tx, "e-1");
  letters().note_seen_again(*tx, "unknown");
  letters("stock").note_seen_again(*tx, "e-2");
  tx->commit();
  EXPECT_EQ(letter_rows()[0].get<std::int64_t>("seen_again"), 2);
  EXPECT_EQ(letter_rows()[1].get<std::int64_t>("seen_again"), 0);
}

TEST_P(DeadLetterContract, AnIdConflictIsNotTheEventSeenAgain) {
  const auto of = event(record_);
  auto why = failure();
  why.reason = reason::kIdConflict;
  bury(record_, &of, why);
  const auto tx = database().begin();
  letters().note_seen_again(*tx, "e-1");
  tx->commit();
  EXPECT_EQ(letter_rows()[0].get<std::int64_t>("seen_again"), 0);
}

}  // namespace

KINBOX_FOR_ALL_DATABASES(DeadLetterContract);

}  // namespace kinbox::testing
