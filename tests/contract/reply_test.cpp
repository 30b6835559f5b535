// What the producers of events are told, on both databases.
#include <gmock/gmock.h>

#include <set>

#include "core/header_codec.hpp"
#include "core/outgoing_event.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/replies.hpp"
#include "support/pipeline.hpp"

namespace kinbox::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

using HeaderList = std::vector<OwnedRecord::OwnedHeader>;

class ReplyContract : public Pipeline {
 protected:
  struct Reply {
    std::string id;
    std::string topic;
    std::string type;
    std::string key;
    std::string payload;
    HeaderList headers;

    std::string header(const std::string& wanted) const {
      for (const auto& [name, value] : headers)
        if (name == wanted) return value.value_or("null");
      return "none";
    }
  };

  void prepare() override {
    Pipeline::prepare();
    replies = {.to = "replies"};
  }

  /// Outgoing rows that are no dead letters, in the order they leave.
  std::vector<Reply> written() {
    const auto tx = database().begin();
    std::vector<Reply> found;
    for (const auto row :
         tx->query(sql("SELECT message_id, topic, event_type, key, value, headers "
                       "FROM {kinbox}.outbox WHERE dead_letter_id IS NULL ORDER BY id"))) {
      const auto bytes = [&](const char* column) {
        const auto value = row.get<std::optional<ByteVector>>(column);
        return value ? std::string(as_text(*value)) : "null";
      };
      found.push_back({row.get<std::string>("message_id"), row.get<std::string>("topic"),
                       row.get<std::string>("event_type"), bytes("key"), bytes("value"),
                       decode_headers(row.get<std::string>("headers"))});
    }
    return found;
  }

  /// "type correlation-id" of each.
  std::vector<std::string> told() {
    std::vector<std::string> found;
    for (const auto& reply : written())
      found.push_back(reply.type + ' ' + reply.header("correlation-id"));
    return found;
  }

  void send_with(const std::string& id, HeaderList headers, const std::string& type = "Created") {
    OwnedRecord record;
    record.key = "k";
    record.value = json(id, type);
    record.headers = std::move(headers);
    log.append(p0, record);
  }

  std::string reply_id(const std::string& event_id, const std::string& verdict) {
    const Record record(OwnedRecord{});
    const Event event(record, {.id = event_id,
                               .type = "Created",
                               .payload = std::nullopt,
                               .unwrapped = std::nullopt,
                               .fingerprint = Fingerprint::of(std::nullopt)});
    return derived_reply_id({.consumer = "orders", .event = &event}, verdict);
  }

  bool struck_ = false;
};
KINBOX_FOR_ALL_DATABASES(ReplyContract);

TEST_P(ReplyContract, AnEffectIsConfirmed) {
  send(p0, "e-1", "o-7");
  run_until_idle({p0});
  const auto all = written();
  ASSERT_THAT(all, SizeIs(1));
  const auto& reply = all[0];
  EXPECT_EQ(reply.topic, "replies");
  EXPECT_EQ(reply.type, "Created.processed");
  EXPECT_EQ(reply.key, "o-7");
  EXPECT_EQ(reply.payload, R"({"eventId":"e-1","consumer":"orders","verdict":"processed"})");
  // UUIDv5 of "orders", "e-1", 0 and "processed".
  EXPECT_EQ(reply.id, reply_id("e-1", "processed"));
  EXPECT_EQ(reply.header("ce_id"), reply.id);
  EXPECT_EQ(reply.header("ce_source"), "/orders");
  EXPECT_EQ(reply.header("correlation-id"), "e-1");
  EXPECT_EQ(reply.header("ce_causationid"), "e-1");
  EXPECT_THAT(effects(), ElementsAre("e-1"));
}

TEST_P(ReplyContract, ADeadLetterIsToldWithItsReasonAndNothingOfThePayload) {
  handle = [](const Event&, Transaction&) {
    throw PermanentError("buyer alice@example.org is unknown", "unknown_buyer");
  };
  send(p0, "e-1");
  run_until_idle({p0});
  const auto all = written();
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_EQ(all[0].type, "Created.failed");
  EXPECT_EQ(all[0].id, reply_id("e-1", "failed"));
  EXPECT_NE(all[0].id, reply_id("e-1", "processed"));
  EXPECT_EQ(all[0].payload, R"({"eventId":"e-1","consumer":"orders","verdict":"failed",)"
                            R"("reason":"handler_rejected","errorCode":"unknown_buyer"})");
  EXPECT_THAT(texts("SELECT topic FROM {kinbox}.outbox"), Contains("dlq.g.orders.created"));
}

TEST_P(ReplyContract, NothingIsToldUnlessAskedFor) {
  replies.reset();
  send_with("e-1", {{"reply-to", "replies"}});
  send(p0, "e-2", "k", "NobodyTakesThis");
  run_until_idle({p0});
  EXPECT_THAT(written(), IsEmpty());
}

TEST_P(ReplyContract, DuplicatesAreNotToldAgain) {
  send(p0, "e-1");
  send(p0, "e-1");
  send(p1, "e-1");
  run_until_idle({p0, p1});
  send(p1, "e-1");
  run_until_idle({p0, p1});
  EXPECT_THAT(told(), ElementsAre("Created.processed e-1"));
}

TEST_P(ReplyContract, ADeadEventThatComesAgainIsNotToldAgain) {
  handle = [](const Event&, Transaction&) { throw PermanentError("no"); };
  send(p0, "e-1");
  send(p0, "e-1");
  run_until_idle({p0});
  EXPECT_THAT(told(), ElementsAre("Created.failed e-1"));
}

TEST_P(ReplyContract, AttemptsInBetweenAreNotTold) {
  int attempts = 0;
  handle = [&](const Event& event, Transaction& tx) {
    insert_effect(event, tx);
    if (event.id() == "e-2" && ++attempts < 3) throw RetryableError("not yet");
    if (event.id() == "e-3") throw RetryableError("never");
  };
  send(p0, "e-1");
  send(p0, "e-2");
  send(p0, "e-3");
  send(p0, "e-4");
  run_until_idle({p0});
  EXPECT_GE(attempts, 3);
  EXPECT_THAT(told(), ElementsAre("Created.processed e-1", "Created.processed e-2",
                                  "Created.failed e-3", "Created.processed e-4"));
  EXPECT_THAT(written()[2].payload, HasSubstr(R"("reason":"retries_exhausted")"));
}

TEST_P(ReplyContract, ATypeThatNobodyTakesIsToldWhenItIsADeadLetter) {
  send(p0, "e-1", "k", "NobodyTakesThis");
  run_until_idle({p0});
  EXPECT_THAT(told(), ElementsAre("NobodyTakesThis.failed e-1"));
  EXPECT_THAT(written()[0].payload, HasSubstr(R"("reason":"unknown_type"})"));
}

TEST_P(ReplyContract, WhatIsSkippedIsNotTold) {
  options.dispatch.unknown_types = UnknownTypes::kSkip;
  options.dispatch.on_error.then = Then::kSkip;
  handle = [](const Event&, Transaction&) { throw PermanentError("no"); };
  send(p0, "e-1", "k", "NobodyTakesThis");
  send(p0, "e-2");
  run_until_idle({p0});
  EXPECT_EQ(tally(p0).skipped, 2);
  EXPECT_THAT(told(), IsEmpty());
}

TEST_P(ReplyContract, WhatHasNoIdCannotBeTold) {
  log.append_json(p0, "{}");
  run_until_idle({p0});
  EXPECT_THAT(dead_reasons(), ElementsAre("missing_event_id"));
  EXPECT_THAT(told(), IsEmpty());
}

// Its id is another event's, whose producer has been told the truth already.
TEST_P(ReplyContract, AnIdConflictIsNotTold) {
  send(p0, "e-1", "k", "Created", 1);
  send(p0, "e-1", "k", "Created", 2);
  run_until_idle({p0});
  send(p0, "e-1", "k", "Created", 3);
  run_until_idle({p0});
  EXPECT_THAT(dead_reasons(), ElementsAre("id_conflict", "id_conflict"));
  EXPECT_THAT(told(), ElementsAre("Created.processed e-1"));
}

TEST_P(ReplyContract, OnlyWhatIsWantedIsTold) {
  handle = [](const Event& event, Transaction&) {
    if (event.id() == "bad") throw PermanentError("no");
  };
  replies = {.to = "replies", .failed = false};
  send(p0, "good");
  send(p0, "bad");
  run_until_idle({p0});
  replies = {.to = "replies", .processed = false};
  send(p1, "good-2");
  send(p1, "bad-2", "k", "NobodyTakesThis");
  run_until_idle({p1});
  EXPECT_THAT(told(), ElementsAre("Created.processed good", "NobodyTakesThis.failed bad-2"));
}

TEST_P(ReplyContract, AnEventMayNameATopicThatIsAllowed) {
  replies->allow = {"shop.replies", "billing.replies"};
  send_with("e-1", {{"reply-to", "billing.replies"}});
  send_with("e-2", {});
  send_with("e-3", {{"reply-to", "replies"}});
  send_with("e-4", {{"reply-to", std::nullopt}});
  send_with("e-5", {{"reply-to", "ledger"}, {"reply-to", "shop.replies"}});
  send_with("e-6", {{"reply-to", ""}});
  run_until_idle({p0});
  std::vector<std::string> topics;
  for (const auto& reply : written()) topics.push_back(reply.topic);
  EXPECT_THAT(topics, ElementsAre("billing.replies", "replies", "replies", "replies",
                                  "shop.replies", "replies"));
  EXPECT_THAT(observer.notices<notice::ReplyRefused>(), IsEmpty());
}

TEST_P(ReplyContract, WithoutATopicOfItsOwnOnlyEventsThatNameOneAreAnswered) {
  replies = {.header = "kafka_replyTopic", .allow = {"shop.replies"}};
  send_with("e-1", {{"kafka_replyTopic", "shop.replies"}});
  send_with("e-2", {{"reply-to", "shop.replies"}});
  run_until_idle({p0});
  EXPECT_THAT(told(), ElementsAre("Created.processed e-1"));
}

TEST_P(ReplyContract, WithoutAListTheHeaderIsNotLookedAt) {
  send_with("e-1", {{"reply-to", "ledger"}});
  run_until_idle({p0});
  ASSERT_THAT(written(), SizeIs(1));
  EXPECT_EQ(written()[0].topic, "replies");
}

TEST_P(ReplyContract, ATopicThatIsNotAllowedIsRefusedAndTheEffectStands) {
  replies->allow = {"shop.replies"};
  send_with("e-1", {{"reply-to", "ledger"}});
  send_with("e-2", {{"reply-to", std::string("no\0topic\xFF", 9)}});
  send_with("e-3", {{"reply-to", "ledger"}}, "NobodyTakesThis");
  send_with("e-4", {{"reply-to", "shop.replies"}});
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("e-1", "e-2", "e-4"));
  EXPECT_THAT(dead_reasons(), ElementsAre("unknown_type"));
  EXPECT_THAT(told(), ElementsAre("Created.processed e-4"));
  const auto refused = observer.notices<notice::ReplyRefused>();
  ASSERT_THAT(refused, SizeIs(3));
  EXPECT_EQ(refused[0].event_id, "e-1");
  EXPECT_EQ(refused[0].offset, 0);
  EXPECT_THAT(refused[0].why, AllOf(HasSubstr("\"ledger\""), HasSubstr("reply.allow")));
  EXPECT_THAT(refused[1].why, Not(HasSubstr("\xFF")));
}

TEST_P(ReplyContract, AReplyThatCannotBeWrittenIsRefusedAndTheEffectStands) {
  outbox_settings.max_bytes = 1'000;
  send(p0, "e-1", std::string(2'000, 'k'));
  send(p0, "e-2", "k", "Created");
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("e-1", "e-2"));
  EXPECT_THAT(told(), ElementsAre("Created.processed e-2"));
  const auto refused = observer.notices<notice::ReplyRefused>();
  ASSERT_THAT(refused, SizeIs(1));
  EXPECT_THAT(refused[0].why, HasSubstr("more than the outbox's 1000"));
}

TEST_P(ReplyContract, ARefusalIsToldWhenItsBatchIsCommittedNotBefore) {
  replies->allow = {"shop.replies"};
  int attempts = 0;
  handle = [&](const Event& event, Transaction& tx) {
    insert_effect(event, tx);
    if (event.id() == "e-2" && ++attempts < 3) throw RetryableError("not yet");
  };
  send_with("e-1", {{"reply-to", "ledger"}});
  send_with("e-2", {{"reply-to", "ledger"}});
  run_until_idle({p0});
  EXPECT_THAT(observer.notices<notice::ReplyRefused>(), SizeIs(2));
}

TEST_P(ReplyContract, ReplyingToARecordWithoutAKeyNeedsNone) {
  OwnedRecord record;
  record.value = json("e-1");
  log.append(p0, record);
  run_until_idle({p0});
  ASSERT_THAT(written(), SizeIs(1));
  EXPECT_EQ(written()[0].key, "null");
}

// Else two consumers that reply into each other's topics would never come to an end.
TEST_P(ReplyContract, ARecordThatIsAReplyGetsNone) {
  send_with("r-1", {{"correlation-id", "e-1"}, {"ce_causationid", "e-1"}});
  send_with("r-2", {{"correlation-id", "e-1"}, {"ce_causationid", "e-1"}}, "Created.processed");
  send_with("e-1", {{"correlation-id", "session-9"}, {"ce_causationid", "c-1"}});
  send_with("e-2", {{"correlation-id", "session-9"}});
  run_until_idle({p0});
  EXPECT_THAT(dead_reasons(), ElementsAre("unknown_type"));
  EXPECT_THAT(told(), ElementsAre("Created.processed e-1", "Created.processed e-2"));
}

TEST_P(ReplyContract, RepliesKeepTheirOrderBesideWhatHandlersEmit) {
  const Outbox box(database().dialect(), {});
  handle = [&](const Event& event, Transaction& tx) {
    insert_effect(event, tx);
    box.emit(tx, {.topic = "payments", .key = "k", .type = "paid", .payload = "{}"});
  };
  std::vector<std::string> expected;
  for (int n = 0; n < 300; ++n) {
    send(p0, "e-" + std::to_string(n));
    expected.push_back("Created.processed e-" + std::to_string(n));
  }
  run_until_idle({p0});
  std::vector<std::string> found;
  std::set<std::string> ids;
  for (const auto& line : told())
    if (line.starts_with("Created")) found.push_back(line);
  for (const auto& row : written()) ids.insert(row.id);
  EXPECT_EQ(found, expected);
  EXPECT_THAT(ids, SizeIs(600));
  std::size_t emitted = 0;
  for (const auto& notice : observer.notices<notice::Emitted>()) emitted += notice.records;
  EXPECT_EQ(emitted, 600U);
}

TEST_P(ReplyContract, AReplyThatTheDatabaseDoesNotTakeIsNobodysFault) {
  bool strike = false;
  handle = [&](const Event& event, Transaction& tx) {
    insert_effect(event, tx);
    strike = !std::exchange(struck_, true);
  };
  send(p0, "e-1");
  run_until_idle({p0}, [&](FaultPoint point) {
    if (point == FaultPoint::kStatement && std::exchange(strike, false))
      throw SqlError("no such table: outbox", "42P01");
  });
  EXPECT_TRUE(struck_);
  EXPECT_THAT(observer.notices<notice::RetryScheduled>(), IsEmpty());
  ASSERT_THAT(observer.notices<notice::Unavailable>(), SizeIs(1));
  EXPECT_THAT(observer.notices<notice::Unavailable>()[0].what, HasSubstr("(reply)"));
  EXPECT_THAT(told(), ElementsAre("Created.processed e-1"));
  EXPECT_THAT(effects(), ElementsAre("e-1"));
}

TEST_P(ReplyContract, RepliesThatCannotWorkAreRefusedAtStart) {
  replies = {.to = p0.topic};
  EXPECT_THROW(member({p0}), ConfigurationError);
}

}  // namespace
}  // namespace kinbox::testing
