// Events that handlers and programs emit, on both databases.
#include "kinbox/outbox.hpp"

#include <gmock/gmock.h>

#include "core/header_codec.hpp"
#include "kinbox/errors.hpp"
#include "support/pipeline.hpp"

namespace kinbox::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class OutboxContract : public Pipeline {
 protected:
  static OutgoingEvent paid(const std::string& key = "o-1") {
    return {.topic = "payments", .key = key, .type = "payment.completed", .payload = "{}"};
  }

  Outbox outbox(OutboxOptions outbox_options = {}) {
    return {database().dialect(), std::move(outbox_options)};
  }

  std::vector<std::string> ids() {
    return texts("SELECT message_id FROM {kinbox}.outbox ORDER BY id");
  }

  std::vector<std::string> emitted_with(const std::string& header) {
    std::vector<std::string> found;
    for (const auto& text : texts("SELECT headers FROM {kinbox}.outbox ORDER BY id"))
      for (const auto& [name, value] : decode_headers(text))
        if (name == header) found.push_back(value.value_or("null"));
    return found;
  }
};
KINBOX_FOR_ALL_DATABASES(OutboxContract);

TEST_P(OutboxContract, AnEventIsStoredWithTheTransactionThatEmitsIt) {
  const auto box = outbox({.source = "/shop"});
  auto event = paid();
  event.id = "p-1";
  event.payload = std::string("\0\xFF", 2);
  {
    const auto tx = database().begin();
    EXPECT_EQ(box.emit(*tx, event), "p-1");
  }
  EXPECT_THAT(ids(), IsEmpty());
  const auto tx = database().begin();
  box.emit(*tx, event);
  EXPECT_EQ(tx->outbox_rows(), 1U);
  tx->commit();
  EXPECT_THAT(ids(), ElementsAre("p-1"));
  const auto look = database().begin();
  const auto rows = look->query(
      sql("SELECT topic, event_type, key, value, state, dead_letter_id FROM {kinbox}.outbox"));
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].get<std::string>("topic"), "payments");
  EXPECT_EQ(rows[0].get<std::string>("event_type"), "payment.completed");
  EXPECT_EQ(as_text(rows[0].get<ByteVector>("key")), "o-1");
  EXPECT_EQ(as_text(rows[0].get<ByteVector>("value")), *event.payload);
  EXPECT_EQ(rows[0].get<std::string>("state"), "pending");
}

TEST_P(OutboxContract, WithoutKeyOrPayloadTheyAreNull) {
  auto event = paid();
  event.id = "p-1";
  event.key.reset();
  event.payload.reset();
  const auto tx = database().begin();
  outbox({.source = "/shop"}).emit(*tx, event);
  tx->commit();
  EXPECT_EQ(number(sql("SELECT count(*) FROM {kinbox}.outbox WHERE key IS NULL AND value IS NULL")),
            1);
}

TEST_P(OutboxContract, AHandlersEventsFollowFromTheOneItHandles) {
  handle = [this](const Event&, Transaction& tx) {
    outbox().emit(tx, paid("a"));
    outbox().emit(tx, paid("b"));
  };
  send(p0, "e-1");
  send(p0, "e-2");
  run_until_idle({p0});
  EXPECT_THAT(emitted_with("ce_causationid"), ElementsAre("e-1", "e-1", "e-2", "e-2"));
  EXPECT_THAT(texts("SELECT causation_id FROM {kinbox}.outbox ORDER BY id"),
              ElementsAre("e-1", "e-1", "e-2", "e-2"));
  EXPECT_THAT(emitted_with("ce_source"), ElementsAre("/orders", "/orders", "/orders", "/orders"));
  const auto all = ids();
  // UUIDv5 of "orders", "e-1", 0 and the ordinal.
  EXPECT_EQ(all.at(0), "529b0aad-4fd6-5a8a-ba31-fcd16d46b7ec");
  EXPECT_EQ(all.at(1), "04816677-5f1b-5613-b673-e5c5de9a33a4");
  EXPECT_THAT(std::set<std::string>(all.begin(), all.end()), SizeIs(4));
}

TEST_P(OutboxContract, AHandlerThatRunsAgainEmitsTheSameIdsOnce) {
  int attempts = 0;
  std::vector<std::string> seen;
  handle = [&](const Event& event, Transaction& tx) {
    seen.push_back(outbox().emit(tx, paid()));
    seen.push_back(outbox().emit(tx, paid()));
    if (event.id() == "e-2" && ++attempts < 3) throw RetryableError("not yet");
  };
  send(p0, "e-1");
  send(p0, "e-2");
  send(p0, "e-3");
  run_until_idle({p0});
  EXPECT_EQ(attempts, 3);
  const auto all = ids();
  EXPECT_THAT(all, SizeIs(6));
  const std::set<std::string> stored(all.begin(), all.end());
  EXPECT_THAT(stored, SizeIs(6));
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()), stored);
}

TEST_P(OutboxContract, ADuplicateEmitsNothing) {
  handle = [this](const Event&, Transaction& tx) { outbox().emit(tx, paid()); };
  send(p0, "e-1");
  send(p0, "e-1");
  run_until_idle({p0});
  send(p0, "e-1");
  run_until_idle({p0});
  EXPECT_THAT(ids(), SizeIs(1));
}

TEST_P(OutboxContract, AnEventThatIsGivenUpEmitsNothingButItsDeadLetter) {
  handle = [this](const Event&, Transaction& tx) {
    outbox().emit(tx, paid());
    throw PermanentError("no");
  };
  send(p0, "e-1");
  run_until_idle({p0});
  EXPECT_THAT(texts("SELECT topic FROM {kinbox}.outbox"), ElementsAre("dlq.g.orders.created"));
}

TEST_P(OutboxContract, AnEventThatCannotBeEmittedIsADeadLetterThatSaysWhy) {
  handle = [this](const Event&, Transaction& tx) {
    auto event = paid();
    event.topic = "no topic";
    outbox().emit(tx, event);
  };
  send(p0, "e-1");
  run_until_idle({p0});
  EXPECT_THAT(dead_reasons(), ElementsAre("handler_rejected"));
  EXPECT_THAT(texts("SELECT error_code FROM {kinbox}.dead_letters"), ElementsAre("outgoing_event"));
  EXPECT_THAT(texts("SELECT error_text FROM {kinbox}.dead_letters").at(0),
              ::testing::HasSubstr("\"no topic\" is no topic name"));
}

TEST_P(OutboxContract, WhatIsEmittedKeepsItsOrderAlsoWhenInsertsTravelTogether) {
  handle = [this](const Event& event, Transaction& tx) {
    auto out = paid();
    out.payload = event.id();
    outbox().emit(tx, out);
    insert_effect(event, tx);
  };
  std::vector<std::string> expected;
  for (int i = 0; i < 40; ++i) {
    send(p0, "e-" + std::to_string(i));
    expected.push_back("e-" + std::to_string(i));
  }
  run_until_idle({p0});
  EXPECT_EQ(emitted_with("ce_causationid"), expected);
  EXPECT_EQ(effects(), expected);
}

TEST_P(OutboxContract, ABatchSaysOnceHowManyRowsItLeftForTheRelay) {
  handle = [this](const Event& event, Transaction& tx) {
    if (event.id() != "quiet") outbox().emit(tx, paid());
  };
  send(p0, "quiet");
  run_until_idle({p0});
  EXPECT_THAT(observer.notices<notice::Emitted>(), IsEmpty());
  send(p0, "e-1");
  send(p0, "e-2");
  send(p0, "nobody's", "k", "NobodyTakesThis");
  run_until_idle({p0});
  const auto emitted = observer.notices<notice::Emitted>();
  ASSERT_THAT(emitted, SizeIs(1));
  EXPECT_EQ(emitted[0].records, 3U);
}

TEST_P(OutboxContract, AHandlersOutboxComesFromItsContext) {
  auto with_context = spec();
  OutboxOptions seen;
  with_context.outbox.source = "/shop";
  with_context.handlers[0].spec.make = [&](const HandlerContext& context) {
    seen = context.outbox;
    return spec().handlers[0].spec.make(context);
  };
  auto source = log.member();
  Worker(with_context, options, std::move(source), connect(), observer);
  EXPECT_EQ(seen.source, "/shop");
}

}  // namespace
}  // namespace kinbox::testing
