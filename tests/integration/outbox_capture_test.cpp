// relay: cdc, seen from the other end: what PostgreSQL's logical decoding gives to whoever captures
// changes, as Debezium's outbox event router does.
#include <gmock/gmock.h>

#include "core/outgoing_event.hpp"
#include "kinbox/event.hpp"
#include "kinbox/outbox.hpp"
#include "kinbox/postgres/database.hpp"
#include "kinbox/testing/scripted_log.hpp"
#include "kinbox/worker.hpp"
#include "support/postgres_server.hpp"
#include "support/postgres_test_database.hpp"
#include "support/services.hpp"
#include "support/test_database.hpp"

namespace kinbox::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class OutboxCapture : public ::testing::Test {
 protected:
  void SetUp() override {
    KINBOX_REQUIRE_POSTGRES();
    server_ = std::make_unique<PostgresServer>();
    server_->configure("wal_level = logical");
    server_->restart();
    postgres::Options options;
    options.uri = server_->uri();
    database_ = postgres::factory(options)();
    migrate(*database_);
    // With a publication a DELETE needs something to tell rows apart by.
    sql("CREATE PUBLICATION outbox FOR TABLE kinbox.outbox_events");
    sql("SELECT pg_create_logical_replication_slot('capture', 'test_decoding')");
  }

  std::string sql(const std::string& text) { return run_sql(server_->uri(), text); }

  /// What was captured since the last call, without BEGIN and COMMIT.
  std::vector<std::string> captured() {
    std::vector<std::string> lines;
    const auto tx = database_->begin();
    for (const auto row :
         tx->query("SELECT data FROM pg_logical_slot_get_changes('capture', NULL, NULL) "
                   "WHERE data LIKE 'table kinbox.outbox_events:%'"))
      lines.push_back(row.get<std::string>(0));
    return lines;
  }

  Outbox outbox() {
    return {database_->dialect(), {.relay = OutboxOptions::Relay::kCdc, .source = "/shop"}};
  }

  static OutgoingEvent paid(const std::string& id) {
    return {.topic = "payments",
            .key = "o-1",
            .id = id,
            .type = "payment.completed",
            .headers = {{"tenant", "t-1"}},
            .payload = R"({"a":1})",
            .time = Timestamp{std::chrono::milliseconds{1700000000123}}};
  }

  std::unique_ptr<PostgresServer> server_;
  std::unique_ptr<Database> database_;
};

TEST_F(OutboxCapture, GetsARowPerEventInTheColumnsOfTheRouterAndTheTableStaysEmpty) {
  const auto tx = database_->begin();
  outbox().emit(*tx, paid("p-1"));
  tx->commit();
  EXPECT_THAT(
      captured(),
      ElementsAre(
          AllOf(StartsWith("table kinbox.outbox_events: INSERT: "), HasSubstr("id[text]:'p-1'"),
                HasSubstr("source[text]:'/shop'"), HasSubstr("aggregatetype[text]:'payments'"),
                HasSubstr("aggregateid[text]:'o-1'"), HasSubstr(" type[text]:'payment.completed'"),
                HasSubstr(R"(payload[bytea]:'\x7b2261223a317d')"),
                HasSubstr("specversion[text]:'1.0'"),
                HasSubstr("occurred_at[text]:'2023-11-14T22:13:20.123Z'"),
                HasSubstr("content_type[text]:'application/json'"),
                HasSubstr("causationid[text]:null"), HasSubstr("traceparent[text]:null"),
                HasSubstr(R"(headers[text]:'[["tenant","dC0x"]]')")),
          StartsWith("table kinbox.outbox_events: DELETE: id[text]:'p-1'")));
  EXPECT_EQ(sql("SELECT count(*) FROM kinbox.outbox_events"), "0");
  EXPECT_EQ(sql("SELECT count(*) FROM kinbox.outbox"), "0");
  EXPECT_EQ(tx->outbox_rows(), 0U) << "no relay of ours need wake";
}

TEST_F(OutboxCapture, GetsNothingOfATransactionThatWasRolledBack) {
  {
    const auto tx = database_->begin();
    outbox().emit(*tx, paid("p-1"));
    tx->flush();
  }
  EXPECT_THAT(captured(), IsEmpty());
}

TEST_F(OutboxCapture, GetsWhatAHandlerEmittedInOrderWithWhatCausedIt) {
  OwnedRecord owned;
  owned.topic = "orders";
  owned.headers = {{"traceparent", "00-aa-bb-01"}};
  const Record record(owned);
  const Event event(record, {.id = "e-1",
                             .type = "ORDER_CREATED",
                             .payload = std::nullopt,
                             .unwrapped = std::nullopt,
                             .fingerprint = Fingerprint::of(std::nullopt)});
  const Handling handling{.consumer = "orders", .event = &event};
  const auto tx = database_->begin();
  {
    const HandlerScope scope(*tx, handling);
    for (int i = 0; i < 3; ++i) outbox().emit(*tx, paid(""));
  }
  tx->commit();
  const auto lines = captured();
  ASSERT_EQ(lines.size(), 6U);
  for (int i = 0; i < 3; ++i)
    EXPECT_THAT(
        lines[static_cast<std::size_t>(2 * i)],
        AllOf(HasSubstr("INSERT: id[text]:'" + derived_event_id(handling, i) + "'"),
              HasSubstr("causationid[text]:'e-1'"), HasSubstr("traceparent[text]:'00-aa-bb-01'")));
}

TEST_F(OutboxCapture, GetsRepliesWithTheirCorrelation) {
  ScriptedLog log;
  log.append_json({"orders", 0}, R"({"eventId":"e-1","eventType":"NobodyTakesThis"})");
  auto source = log.member();
  source->assign({{"orders", 0}});
  ConsumerSpec spec{.name = "orders",
                    .group = "g",
                    .topics = {"orders"},
                    .handlers = {},
                    .decoder = EventDecoder(),
                    .outbox = {.relay = OutboxOptions::Relay::kCdc},
                    .replies = ReplyOptions{.to = "replies"}};
  postgres::Options options;
  options.uri = server_->uri();
  Observer silent;
  Worker(spec, {}, std::move(source), postgres::factory(options)(), silent)
      .run({.idle = true}, std::chrono::seconds{5});
  EXPECT_THAT(captured(),
              ElementsAre(AllOf(HasSubstr("INSERT: "), HasSubstr("aggregatetype[text]:'replies'"),
                                HasSubstr(" type[text]:'NobodyTakesThis.failed'"),
                                HasSubstr("causationid[text]:'e-1'"),
                                HasSubstr("correlationid[text]:'e-1'")),
                          HasSubstr("DELETE: ")));
}

TEST_F(OutboxCapture, TakesTheSameEventTwiceAndATombstone) {
  auto event = paid("p-1");
  event.key.reset();
  event.payload.reset();
  const auto tx = database_->begin();
  outbox().emit(*tx, event);
  outbox().emit(*tx, event);
  tx->commit();
  const auto lines = captured();
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_THAT(lines[2],
              AllOf(HasSubstr("aggregateid[text]:null"), HasSubstr("payload[bytea]:null")));
}

TEST_F(OutboxCapture, RefusesAKeyThatIsNoText) {
  auto event = paid("p-1");
  event.key = "\xFF";
  const auto tx = database_->begin();
  EXPECT_THROW(outbox().emit(*tx, event), PermanentError);
  tx->commit();
  EXPECT_THAT(captured(), IsEmpty());
}

}  // namespace
}  // namespace kinbox::testing
