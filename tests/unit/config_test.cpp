#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/config/load.hpp"
#include "cli/consumer_spec.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::cli {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

constexpr const char* kSmallest = R"(
kafka: {bootstrap.servers: "localhost:9092"}
database: {sqlite: kinbox.db}
consumers:
  - name: orders
    topics: [marketplace.order.created]
    handlers: [order_view]
)";

Config parsed(const std::string& text, const Environment& environment = {}) {
  return parse_config(text, "kinbox.yaml", environment);
}

std::string refusal(const std::string& text, const Environment& environment = {}) {
  try {
    parsed(text, environment);
  } catch (const ConfigurationError& e) {
    return e.what();
  }
  return "(accepted)";
}

/// The smallest configuration whose consumer has `lines` more.
std::string with_consumer(const std::string& lines) {
  return std::string(kSmallest) + "    " + lines + "\n";
}

std::string with_database(const std::string& database) {
  std::string text = kSmallest;
  const std::string line = "{sqlite: kinbox.db}";
  return text.replace(text.find(line), line.size(), database);
}

std::string with_topics(const std::string& topics) {
  std::string text = kSmallest;
  const std::string line = "[marketplace.order.created]";
  return text.replace(text.find(line), line.size(), topics);
}

TEST(Config, ReadsTheLadderOfAConsumerAndOfItsHandlers) {
  const auto config = parse_config(R"(
kafka: {bootstrap.servers: "b:9092"}
database: {sqlite: x.db}
consumers:
  - name: orders
    topics: [orders.created]
    handlers:
      - order_view
      - {name: email_confirmation, on_error: {then: skip}}
    on_error:
      retry: {max_attempts: 2, max_elapsed: 1m}
      then: park
      park: {delays: [1s, 2m], max_per_key: 7, max_parked: 8, when_full: dead_letter, then: halt}
      rules:
        - {class: rejection, code: declined, then: failover, failover: {topic: by.hand}}
    dlq_budget: {capacity: 50, per_success: 0.25, probe_every: 3s}
)",
                                   "kinbox.yaml", {});
  const auto& consumer = config.consumers.at(0);
  const auto& on_error = consumer.on_error;
  EXPECT_EQ(on_error.retry.max_elapsed, 1min);
  EXPECT_EQ(on_error.then, Then::kPark);
  EXPECT_THAT(on_error.park.delays, ElementsAre(1s, 2min));
  EXPECT_EQ(on_error.park.max_per_key, 7U);
  EXPECT_EQ(on_error.park.max_parked, 8U);
  EXPECT_EQ(on_error.park.when_full, WhenFull::kDeadLetter);
  EXPECT_EQ(on_error.park.then, Then::kHalt);
  ASSERT_EQ(on_error.rules.size(), 1U);
  EXPECT_EQ(on_error.rules[0].error_class, ErrorClass::kRejection);
  EXPECT_EQ(on_error.rules[0].code, "declined");
  EXPECT_EQ(on_error.rules[0].on_error.fail_over.topic, "by.hand");
  EXPECT_EQ(on_error.rules[0].on_error.retry.max_attempts, 2) << "as without the rule";
  EXPECT_FALSE(consumer.handlers.at(0).on_error);
  ASSERT_TRUE(consumer.handlers.at(1).on_error);
  EXPECT_EQ(consumer.handlers[1].on_error->then, Then::kSkip);
  EXPECT_EQ(consumer.handlers[1].on_error->retry.max_attempts, 2) << "as its consumer has it";
  EXPECT_EQ(consumer.dlq_budget.capacity, 50);
  EXPECT_EQ(consumer.dlq_budget.per_success, 0.25);
  EXPECT_EQ(consumer.dlq_budget.probe_every, 3s);
}

TEST(Config, SmallestOneHasDefaultsForTheRest) {
  const auto config = parsed(kSmallest);
  EXPECT_THAT(config.kafka.settings, ElementsAre(Pair("bootstrap.servers", "localhost:9092")));
  EXPECT_EQ(std::get<SqliteConfig>(config.database).path, "kinbox.db");
  ASSERT_EQ(config.consumers.size(), 1u);
  const auto& orders = config.consumers[0];
  EXPECT_EQ(orders.group, "orders");
  EXPECT_THAT(orders.topics, ElementsAre("marketplace.order.created"));
  EXPECT_EQ(orders.handlers[0].name, "order_view");
  EXPECT_EQ(orders.on_error.retry.max_attempts, 5);
  EXPECT_EQ(orders.on_error.then, Then::kDeadLetter);
  EXPECT_EQ(orders.dlq_topic, "dlq.{group}.{topic}");
  EXPECT_EQ(orders.replies, std::nullopt);
  EXPECT_EQ(orders.place, "kinbox.yaml:5");
  EXPECT_EQ(config.log.level, observe::LogLevel::kInfo);
}

TEST(Config, ReadsEverySettingOfAConsumer) {
  const auto config = parsed(R"(
kafka:
  bootstrap.servers: b:9092
  plugin.library.paths: /x.so
  allow_unsafe_settings: [plugin.library.paths]
database: {sqlite: /var/lib/kinbox.db}
log: {format: json, level: warning}
consumers:
  - name: mail
    group: mail-group
    topics:
      orders:
      payments:
        id: [cloudevents_binary, cloudevents_structured, {header: X-Id}, {pointer: /id},
             {composed: [/orderId, /line]}, coordinates]
        id_scope: topic
        type: [{header: kind}, {pointer: /kind}, topic]
        max_value: 1MiB
        max_json_depth: 8
    handlers:
      - name: email_confirmation
        settings: {recipient: {pointer: /buyerEmail}}
        handler_timeout: none
    handler_timeout: 20s
    handler_grace: 7s
    max_crashes: 5
    on_error: {retry: {max_attempts: 3, first_delay: 250ms, max_delay: 5m}, then: halt}
    unknown_types: skip
    older_than: 30d
    id_conflict: report
    initial: {since: 2026-01-31T12:00:00Z}
    workers: 4
    max_batch: 100
    max_batch_bytes: 64KiB
    max_batch_wait: 20ms
    max_transaction_time: 2s
    stalled_after: 5m
    dlq_topic: dead.{consumer}
    reply: {to: shop.replies, header: kafka_replyTopic, allow: [a, b], verdicts: [failed]}
)");
  EXPECT_THAT(config.kafka.allow_unsafe_settings, ElementsAre("plugin.library.paths"));
  EXPECT_EQ(config.log.format, observe::LogFormat::kJson);
  EXPECT_EQ(config.log.level, observe::LogLevel::kWarning);
  const auto& mail = config.consumers[0];
  EXPECT_EQ(mail.group, "mail-group");
  EXPECT_THAT(mail.topics, ElementsAre("orders", "payments"));
  EXPECT_THAT(mail.handlers[0].settings, ElementsAre(Pair("recipient.pointer", "/buyerEmail")));
  EXPECT_EQ(mail.on_error.retry.max_attempts, 3);
  EXPECT_EQ(mail.on_error.retry.first_delay, 250ms);
  EXPECT_EQ(mail.on_error.retry.max_delay, 5min);
  EXPECT_EQ(mail.on_error.then, Then::kHalt);
  EXPECT_EQ(mail.unknown_types, UnknownTypes::kSkip);
  EXPECT_EQ(mail.id_conflict, IdConflict::kReport);
  EXPECT_EQ(mail.older_than, 30 * 24h);
  EXPECT_EQ(mail.initial.kind, InitialPosition::Kind::kSince);
  EXPECT_EQ(mail.initial.since, Timestamp{1'769'860'800s});
  EXPECT_EQ(mail.workers, 4);
  EXPECT_EQ(mail.max_batch, 100u);
  EXPECT_EQ(mail.max_batch_bytes, 65536u);
  EXPECT_EQ(mail.max_batch_wait, 20ms);
  EXPECT_EQ(mail.max_transaction_time, 2s);
  EXPECT_EQ(mail.handlers[0].timeout, std::optional<Bound>(Bound()));
  EXPECT_EQ(mail.handler_timeout, Bound(20s));
  EXPECT_EQ(mail.handler_grace, Bound(7s));
  EXPECT_EQ(mail.max_crashes, 5);
  EXPECT_EQ(mail.stalled_after, 5min);
  EXPECT_EQ(mail.dlq_topic, "dead.{consumer}");
  ASSERT_TRUE(mail.replies.has_value());
  EXPECT_EQ(mail.replies->to, "shop.replies");
  EXPECT_EQ(mail.replies->header, "kafka_replyTopic");
  EXPECT_THAT(mail.replies->allow, ElementsAre("a", "b"));
  EXPECT_FALSE(mail.replies->processed);
  EXPECT_TRUE(mail.replies->failed);
}

TEST(Config, ReadsIdentityRulesPerTopic) {
  using Kind = IdFrom::Kind;
  const auto config = parsed(with_topics(R"({orders: , payments: {
      id: [cloudevents_binary, cloudevents_structured, {header: X-Id}, {pointer: /id},
           {composed: [/orderId, /line]}, coordinates],
      id_scope: source, type: [{header: kind}, {pointer: /kind}, topic],
      max_value: 1MiB, max_json_depth: 8}})"));
  const auto& identity = config.consumers[0].identity;
  EXPECT_EQ(identity.at("orders").id, IdentityRules::default_id());
  const auto& rules = identity.at("payments");
  EXPECT_THAT(rules.id,
              ElementsAre(IdFrom{Kind::kCloudEventsBinary, "", {}},
                          IdFrom{Kind::kCloudEventsStructured, "", {}},
                          IdFrom{Kind::kHeader, "X-Id", {}}, IdFrom{Kind::kJsonPointer, "/id", {}},
                          IdFrom{Kind::kComposed, "", {"/orderId", "/line"}},
                          IdFrom{Kind::kCoordinates, "", {}}));
  EXPECT_EQ(rules.scope, IdScope::kSource);
  EXPECT_THAT(rules.type, ElementsAre(TypeFrom{TypeFrom::Kind::kHeader, "kind"},
                                      TypeFrom{TypeFrom::Kind::kJsonPointer, "/kind"},
                                      TypeFrom{TypeFrom::Kind::kTopic, ""}));
  EXPECT_EQ(rules.max_value_bytes, 1u << 20);
  EXPECT_EQ(rules.max_json_depth, 8);
}

TEST(Config, OneIdRuleNeedsNoList) {
  const auto config = parsed(with_topics("{orders: {id: {header: X-Id}, type: topic}}"));
  EXPECT_EQ(config.consumers[0].identity.at("orders").id.size(), 1u);
}

TEST(Config, ReadsPostgres) {
  const auto config = parsed(with_database(
      "{postgres: postgresql://u@h/db, schema: inbox, password_file: pw, migrate: auto, "
      "coalesce_inserts: false}"));
  const auto& postgres = std::get<PostgresConfig>(config.database);
  EXPECT_EQ(postgres.uri, "postgresql://u@h/db");
  EXPECT_EQ(postgres.schema, "inbox");
  EXPECT_EQ(postgres.password_file, "pw");
  EXPECT_EQ(postgres.migrate, Migrate::kAuto);
  EXPECT_FALSE(postgres.coalesce_inserts);
}

TEST(Config, InitialMayBeAWord) {
  EXPECT_EQ(parsed(with_consumer("initial: latest")).consumers[0].initial.kind,
            InitialPosition::Kind::kLatest);
}

TEST(Config, NoRecordIsTooOldUnlessSaid) {
  EXPECT_EQ(parsed(kSmallest).consumers[0].older_than, std::nullopt);
  EXPECT_EQ(parsed(with_consumer("older_than: none")).consumers[0].older_than, std::nullopt);
  EXPECT_EQ(parsed(with_consumer("stalled_after: none")).consumers[0].stalled_after, std::nullopt);
}

TEST(Config, ReachesTheWorkers) {
  const auto config = parsed(with_consumer(R"(unknown_types: skip
    id_conflict: report
    older_than: 30d
    initial: latest
    max_batch: 7
    max_batch_bytes: 64KiB
    max_batch_wait: 20ms
    max_transaction_time: 2s
    max_crashes: 2
    on_error: {then: halt})"));
  const auto options = make_worker_options(config.consumers[0], config);
  EXPECT_EQ(options.dispatch.unknown_types, UnknownTypes::kSkip);
  EXPECT_EQ(options.dispatch.id_conflict, IdConflict::kReport);
  EXPECT_EQ(options.dispatch.older_than, 30 * 24h);
  EXPECT_EQ(options.initial.kind, InitialPosition::Kind::kLatest);
  EXPECT_EQ(options.dispatch.max_batch, 7u);
  EXPECT_EQ(options.budget.max_records, 7u);
  EXPECT_EQ(options.budget.max_bytes, 65536u);
  EXPECT_EQ(options.budget.max_wait, 20ms);
  EXPECT_EQ(options.dispatch.max_transaction_time, 2s);
  EXPECT_EQ(options.dispatch.max_crashes, 2);
  EXPECT_EQ(options.dispatch.on_error.then, Then::kHalt);
}

TEST(Config, DeadLettersMayStayRows) {
  EXPECT_EQ(parsed(with_consumer("dlq_topic: none")).consumers[0].dlq_topic, std::nullopt);
}

TEST(Config, RelativePathsBelongToTheFilesFolder) {
  const auto sqlite = parse_config(kSmallest, "/etc/kinbox/kinbox.yaml", {});
  EXPECT_EQ(std::get<SqliteConfig>(sqlite.database).path, "/etc/kinbox/kinbox.db");
  const auto postgres = parse_config(
      with_database("{postgres: postgresql://h/db, password_file: secret}"), "conf/k.yaml", {});
  EXPECT_EQ(std::get<PostgresConfig>(postgres.database).password_file, "conf/secret");
}

TEST(Config, TheSaslPasswordsFileBelongsToTheFilesFolderUnlessAVariableNamesIt) {
  auto text = std::string(kSmallest);
  text.insert(text.find("bootstrap.servers"), "sasl_password_file: pw, ");
  EXPECT_EQ(parse_config(text, "conf/k.yaml", {}).kafka.sasl_password_file, "conf/pw");
  const auto config =
      parse_config(text, "conf/k.yaml", {{"KINBOX_KAFKA_SASL_PASSWORD_FILE", "here/pw"}});
  EXPECT_EQ(config.kafka.sasl_password_file, "here/pw");
  EXPECT_FALSE(config.kafka.settings.contains("sasl.password.file"));
}

struct Refusal {
  std::string text;
  std::string says;
};

void PrintTo(const Refusal& refusal, std::ostream* out) { *out << refusal.says; }

TEST(Config, WhatFailsMayGoFromConsumerToConsumerToAnEnd) {
  EXPECT_EQ(refusal(std::string(kSmallest) +
                    "    dlq_topic: by.hand\n"
                    "    on_error: {then: failover, failover: {topic: last}}\n"
                    "  - {name: by_hand, topics: [by.hand], handlers: [h], dlq_topic: last}\n"
                    "  - {name: last, topics: [last], handlers: [h], dlq_topic: none, "
                    "on_error: {failover: {topic: last}}}\n"),
            "(accepted)");
}

class ConfigRefuses : public testing::TestWithParam<Refusal> {};

TEST_P(ConfigRefuses, WithPlaceAndWayOut) { EXPECT_EQ(refusal(GetParam().text), GetParam().says); }

INSTANTIATE_TEST_SUITE_P(
    Structure, ConfigRefuses,
    testing::Values(
        Refusal{"",
                "kinbox.yaml: no kafka section; add kafka: {bootstrap.servers: host:9092}\n"
                "kinbox.yaml: no database section; add database: {sqlite: kinbox.db}\n"
                "kinbox.yaml: no consumers; add consumers: [{name: ..., topics: [...], "
                "handlers: [...]}]"},
        Refusal{"a: [", "kinbox.yaml:1: end of sequence flow not found"},
        Refusal{"a: 1\n---\nb: 1\n", "kinbox.yaml: holds more than one YAML document; keep one"},
        Refusal{with_consumer("max_bacth: 3"),
                "kinbox.yaml:8: consumers[0].max_bacth: unknown key; did you mean \"max_batch\"?"},
        Refusal{std::string(kSmallest) + "log: {colour: red}",
                "kinbox.yaml:8: log.colour: unknown key; there are: format, level"},
        Refusal{with_consumer("workers: 2\n    workers: 3"),
                "kinbox.yaml:9: consumers[0].workers: stands twice"},
        Refusal{with_consumer("workers: ~"), "kinbox.yaml:8: consumers[0].workers: has no value"},
        Refusal{with_consumer("workers: [1]"),
                "kinbox.yaml:8: consumers[0].workers: should be one value, not a list or a "
                "mapping"},
        Refusal{
            with_consumer("on_error: {then: park, park: {delays: [10s, 1s]}}"),
            "kinbox.yaml:5: consumers[0]: handler \"order_view\": on_error: park.delays shrink; "
            "each is to be at least as long as the one before"},
        Refusal{
            with_consumer("dlq_budget: {capacity: -1}"),
            "kinbox.yaml:8: consumers[0].dlq_budget.capacity: should be a number from 0 on, not "
            "\"-1\""},
        Refusal{
            with_consumer("on_error: {rules: [{class: bad}]}"),
            "kinbox.yaml:8: consumers[0].on_error.rules[0].class: cannot be \"bad\"; there are: "
            "kills_transaction, other, permanent, rejection, retryable, sql, timeout"},
        Refusal{with_consumer("on_error: halt"),
                "kinbox.yaml:8: consumers[0].on_error: should be a mapping"},
        Refusal{with_database("sqlite"),
                "kinbox.yaml:3: database: should be a mapping\n"
                "kinbox.yaml:3: database: names no database; add sqlite: "
                "kinbox.db, or postgres: postgresql://..."}));

INSTANTIATE_TEST_SUITE_P(
    Values, ConfigRefuses,
    testing::Values(
        Refusal{with_consumer("workers: 0"),
                "kinbox.yaml:8: consumers[0].workers: should be a "
                "whole number from 1 on, not \"0\""},
        Refusal{with_consumer("max_batch_wait: 30"),
                "kinbox.yaml:8: consumers[0].max_batch_wait: \"30\" should be a whole number with "
                "its unit, like 250ms, 30s, 5m, 1h or 7d"},
        Refusal{with_consumer("max_batch_bytes: 16MB"),
                "kinbox.yaml:8: consumers[0].max_batch_bytes: \"16MB\" should be a whole number "
                "with its unit, like 512B, 64KiB, 16MiB or 1GiB"},
        Refusal{with_consumer("unknown_types: skpi"),
                "kinbox.yaml:8: consumers[0].unknown_types: cannot be \"skpi\"; did you mean "
                "\"skip\"?"},
        Refusal{with_consumer("on_error: {then: explode}"),
                "kinbox.yaml:8: consumers[0].on_error.then: cannot be \"explode\"; there are: "
                "dead_letter, failover, halt, park, skip"},
        Refusal{with_consumer("initial: {since: yesterday}"),
                "kinbox.yaml:8: consumers[0].initial.since: \"yesterday\" should be a time like "
                "2026-01-31T12:00:00Z or 2026-01-31T12:00:00.000+01:00"},
        Refusal{with_consumer("older_than: 0d"),
                "kinbox.yaml:8: consumers[0].older_than: should be more than nothing"},
        Refusal{with_consumer("older_than: ~"),
                "kinbox.yaml:8: consumers[0].older_than: has no value"},
        Refusal{with_consumer("initial: {}"),
                "kinbox.yaml:8: consumers[0].initial: should be earliest, latest or {since: "
                "2026-01-31T12:00:00Z}"},
        Refusal{with_consumer("max_transaction_time: 0s"),
                "kinbox.yaml:8: consumers[0].max_transaction_time: should be more than nothing"},
        Refusal{with_consumer("handler_timeout: 0s"),
                "kinbox.yaml:8: consumers[0].handler_timeout: should be more than nothing"},
        Refusal{
            with_consumer("handler_grace: soon"),
            "kinbox.yaml:8: consumers[0].handler_grace: \"soon\" should be a whole number with its "
            "unit, like 250ms, 30s, 5m, 1h or 7d"},
        Refusal{with_consumer("max_crashes: 0"),
                "kinbox.yaml:8: consumers[0].max_crashes: should be a whole number from 1 on, not "
                "\"0\""},
        Refusal{with_consumer("stalled_after: 0s"),
                "kinbox.yaml:8: consumers[0].stalled_after: should be more than nothing"},
        Refusal{with_consumer("dlq_topic: dlq/{topic}"),
                "kinbox.yaml:8: consumers[0].dlq_topic: \"dlq/{topic}\" makes no topic name; it "
                "may hold {group}, {topic} and {consumer}, or be none"},
        Refusal{with_consumer("dlq_topic: dlq.{partition}"),
                "kinbox.yaml:8: consumers[0].dlq_topic: \"dlq.{partition}\" makes no topic name; "
                "it may hold {group}, {topic} and {consumer}, or be none"}));

INSTANTIATE_TEST_SUITE_P(
    Replies, ConfigRefuses,
    testing::Values(
        Refusal{with_consumer("reply: {}"),
                "kinbox.yaml:8: consumers[0].reply: replies have no topic; add to: TOPIC, or "
                "allow: [TOPIC] for those that a record's header may name"},
        Refusal{with_consumer("reply: {to: marketplace.order.created}"),
                "kinbox.yaml:8: consumers[0].reply: replies cannot go to "
                "marketplace.order.created, which this consumer reads itself; give them a topic "
                "of their own"},
        Refusal{with_consumer("reply: {to: shop.replies, header: reply-to}"),
                "kinbox.yaml:8: consumers[0].reply.header: is not looked at without allow: "
                "[TOPIC], the topics that it may name"},
        Refusal{with_consumer("reply: {to: shop.replies, verdicts: []}"),
                "kinbox.yaml:8: consumers[0].reply: replies say nothing; verdicts: should list "
                "processed, failed or both"},
        Refusal{with_consumer("reply: {to: shop.replies, verdicts: [faild]}"),
                "kinbox.yaml:8: consumers[0].reply.verdicts[0]: cannot be \"faild\"; did you mean "
                "\"failed\"?"},
        Refusal{with_consumer("reply: {to: shop.replies, topic: x}"),
                "kinbox.yaml:8: consumers[0].reply.topic: unknown key; there are: allow, header, "
                "to, verdicts"}));

INSTANTIATE_TEST_SUITE_P(
    Consumers, ConfigRefuses,
    testing::Values(
        Refusal{std::string(kSmallest) +
                    "  - {name: orders, group: other, topics: [t], handlers: [h]}\n",
                "kinbox.yaml:5: consumers: two consumers have the name orders (kinbox.yaml:5 and "
                "kinbox.yaml:8); a name is an event's identity, give each its own"},
        Refusal{std::string(kSmallest) +
                    "  - {name: mail, group: orders, topics: [t], handlers: [h]}\n",
                "kinbox.yaml:5: consumers: two consumers are in the group orders (orders and "
                "mail); each would get only some of the records, give each its own"},
        Refusal{with_consumer("on_error: {rules: [{class: sql, then: park, park: {then: failover}, "
                              "failover: {topic: marketplace.order.created}}]}"),
                "kinbox.yaml:5: consumers: orders hands what fails of marketplace.order.created on "
                "to marketplace.order.created, which it reads itself; it would come back to who "
                "could not handle it: name a failover.topic or dlq_topic that none of them reads"},
        Refusal{std::string(kSmallest) +
                    "    dlq_topic: by.hand\n"
                    "  - name: by_hand\n    topics: [other, by.hand]\n    handlers: [{name: h, "
                    "on_error: {then: failover, failover: {topic: marketplace.order.created}}}]\n",
                "kinbox.yaml:5: consumers: orders hands what fails of marketplace.order.created on "
                "to by.hand, by_hand hands what fails of by.hand on to marketplace.order.created; "
                "it would come back to who could not handle it: name a failover.topic or dlq_topic "
                "that none of them reads"},
        Refusal{with_topics("[]"),
                "kinbox.yaml:6: consumers[0].topics: should list at least one topic"},
        Refusal{with_topics("orders"), "kinbox.yaml:6: consumers[0].topics: should be a list"},
        Refusal{with_topics("[a, a]"),
                "kinbox.yaml:6: consumers[0].topics[1]: topic a stands twice"},
        Refusal{with_topics("['^orders.*']"),
                "kinbox.yaml:6: consumers[0].topics[0]: \"^orders.*\" is no topic name; patterns "
                "are not supported"},
        Refusal{with_topics("{a: {id: [{pointer: eventId}]}}"),
                "kinbox.yaml:6: consumers[0].topics.a.id[0].pointer: should be a JSON pointer "
                "like /eventId, not \"eventId\""},
        Refusal{with_topics("{a: {id: []}}"),
                "kinbox.yaml:6: consumers[0].topics.a.id: is an empty list"},
        Refusal{with_topics("{a: {id: cloudevents}}"),
                "kinbox.yaml:6: consumers[0].topics.a.id: cannot be \"cloudevents\"; there are: "
                "cloudevents_binary, cloudevents_structured, coordinates"},
        Refusal{with_topics("{a: {id: {json: /x}}}"),
                "kinbox.yaml:6: consumers[0].topics.a.id: should be {header: NAME}, {pointer: "
                "/JSON/POINTER} or {composed: [...]}"},
        Refusal{with_topics("{a: {id: {composed: []}}}"),
                "kinbox.yaml:6: consumers[0].topics.a.id.composed: should list JSON pointers, "
                "like [/orderId, /line]"},
        Refusal{with_topics("{a: {type: {what: 1}}}"),
                "kinbox.yaml:6: consumers[0].topics.a.type: should be {header: NAME}, {pointer: "
                "/JSON/POINTER} or topic\n"
                "kinbox.yaml:6: consumers[0].topics.a.type.what: unknown key; there are: header, "
                "pointer"},
        Refusal{"kafka: {bootstrap.servers: b}\ndatabase: {sqlite: x}\nconsumers: [{}]",
                "kinbox.yaml:3: consumers[0]: has no name; add name: NAME, which becomes part of "
                "every event's identity\n"
                "kinbox.yaml:3: consumers[0]: has no topics; add topics: [NAME]\n"
                "kinbox.yaml:3: consumers[0]: has no handlers; add handlers: [NAME]"},
        Refusal{"kafka: {bootstrap.servers: b}\ndatabase: {sqlite: x}\nconsumers: []",
                "kinbox.yaml:3: consumers: lists no consumer"},
        Refusal{with_consumer("group: a b"),
                "kinbox.yaml:8: consumers[0].group: \"a b\": use letters, digits, '.', '_' and "
                "'-', at most 249"}));

INSTANTIATE_TEST_SUITE_P(
    Databases, ConfigRefuses,
    testing::Values(
        Refusal{with_database("{sqlite: a, postgres: b}"),
                "kinbox.yaml:3: database: names two databases, sqlite and postgres; keep one"},
        Refusal{with_database("{}"),
                "kinbox.yaml:3: database: names no database; add sqlite: "
                "kinbox.db, or postgres: postgresql://..."},
        Refusal{with_database("{sqlite: a, schema: b}"),
                "kinbox.yaml:3: database.schema: unknown key; there are: postgres, sqlite"},
        Refusal{with_database("{postgres: postgresql://h/d, schema: 'My Schema'}"),
                "kinbox.yaml:3: database.schema: database schema \"My Schema\": use lower-case "
                "letters, digits and '_' (at most 63), not starting with a digit"}));

INSTANTIATE_TEST_SUITE_P(
    Kafka, ConfigRefuses,
    testing::Values(Refusal{"kafka: {client.id: x}\ndatabase: {sqlite: x}\n"
                            "consumers: [{name: n, topics: [t], handlers: [h]}]",
                            "kinbox.yaml:1: kafka: names no broker; add kafka: {bootstrap.servers: "
                            "host:9092}"},
                    Refusal{
                        "kafka: {bootstrap.servers: b, allow_unsafe_settings: [x]}\n"
                        "database: {sqlite: x}\nconsumers: [{name: n, topics: [t], handlers: [h]}]",
                        "kinbox.yaml:1: kafka: allows \"x\", which is not set; remove it from "
                        "allow_unsafe_settings"}));

TEST(Config, NamesAllProblemsAtOnce) {
  const auto text = refusal(with_consumer("workers: x\n    max_batch: y\n    wokers: 3"));
  EXPECT_THAT(text, AllOf(HasSubstr("kinbox.yaml:8"), HasSubstr("kinbox.yaml:9"),
                          HasSubstr("did you mean \"workers\"")));
}

TEST(Config, MissingFileSaysHowToNameOne) {
  try {
    load_config("/nonexistent/kinbox.yaml", {});
    FAIL() << "accepted";
  } catch (const ConfigurationError& e) {
    EXPECT_THAT(e.what(), AllOf(HasSubstr("cannot read the configuration /nonexistent/kinbox.yaml"),
                                HasSubstr("--config")));
  }
}

TEST(ConfigEnvironment, ExpandsVariablesInsideValues) {
  const auto config = parsed(
      "kafka: {bootstrap.servers: '${HOST}:${PORT:-9092}', client.id: '$${raw} $x'}\n"
      "database: {sqlite: x}\nconsumers: [{name: n, topics: [t], handlers: [h]}]",
      {{"HOST", "broker"}, {"PORT", ""}});
  EXPECT_EQ(config.kafka.settings.at("bootstrap.servers"), "broker:9092");
  EXPECT_EQ(config.kafka.settings.at("client.id"), "${raw} $x");
}

TEST(ConfigEnvironment, ExpandedNumbersAreNumbers) {
  EXPECT_EQ(parsed(with_consumer("workers: ${N}"), {{"N", "3"}}).consumers[0].workers, 3);
}

TEST(ConfigEnvironment, RefusesAVariableThatIsNotSet) {
  EXPECT_EQ(refusal(with_consumer("workers: ${N}")),
            "kinbox.yaml:8: consumers[0].workers: the environment variable N is not set; set it, "
            "or write ${N:-default}");
}

TEST(ConfigEnvironment, RefusesWhatIsNoReference) {
  EXPECT_THAT(refusal(with_consumer("group: 'a${b'")), HasSubstr("a ${ is not closed"));
  EXPECT_THAT(refusal(with_consumer("group: 'a${b c}'")),
              HasSubstr("${b c} names no environment variable"));
}

TEST(ConfigEnvironment, VariablesOverrideTheFile) {
  const auto config = parsed(kSmallest, {{"KINBOX_LOG_LEVEL", "debug"},
                                         {"KINBOX_KAFKA_BOOTSTRAP_SERVERS", "other:1"},
                                         {"KINBOX_KAFKA_SASL_PASSWORD", "a${b"}});
  EXPECT_EQ(config.log.level, observe::LogLevel::kDebug);
  EXPECT_EQ(config.kafka.settings.at("bootstrap.servers"), "other:1");
  EXPECT_EQ(config.kafka.settings.at("sasl.password"), "a${b") << "values are taken as they are";
  EXPECT_EQ(config.overridden.at("log.level"), "KINBOX_LOG_LEVEL");
}

TEST(ConfigEnvironment, DatabaseUrlReplacesTheFilesDatabase) {
  const auto postgres = parsed(kSmallest, {{"KINBOX_DATABASE_URL", "postgresql://u@h/db"},
                                           {"KINBOX_DATABASE_SCHEMA", "inbox"},
                                           {"KINBOX_DATABASE_PASSWORD_FILE", "/run/pw"}});
  EXPECT_EQ(std::get<PostgresConfig>(postgres.database).uri, "postgresql://u@h/db");
  EXPECT_EQ(std::get<PostgresConfig>(postgres.database).schema, "inbox");
  EXPECT_EQ(std::get<PostgresConfig>(postgres.database).password_file, "/run/pw");
  const auto sqlite = parse_config(with_database("{postgres: postgresql://h/d, migrate: auto}"),
                                   "/etc/k.yaml", {{"KINBOX_DATABASE_URL", "sqlite:here.db"}});
  EXPECT_EQ(std::get<SqliteConfig>(sqlite.database).path, "here.db")
      << "a path in a variable is relative to where the command runs";
}

TEST(ConfigEnvironment, RefusesVariablesThatWouldDoNothing) {
  EXPECT_EQ(refusal(kSmallest, {{"KINBOX_DATABSE_URL", "x"}, {"KINBOX_DATABASE_ULR", "sqlite:x"}}),
            "KINBOX_DATABASE_ULR: unknown; did you mean \"KINBOX_DATABASE_URL\"?");
  EXPECT_EQ(refusal(kSmallest, {{"KINBOX_DATABASE_URL", "mysql://x"}}),
            "KINBOX_DATABASE_URL: should be sqlite:PATH or postgresql://USER@HOST/NAME");
  EXPECT_THAT(refusal(kSmallest, {{"KINBOX_LOG_LEVEL", "loud"}}),
              HasSubstr("KINBOX_LOG_LEVEL: log.level: cannot be \"loud\""));
}

TEST(ConfigEnvironment, LeavesKubernetesServiceVariablesAlone) {
  const auto config = parsed(kSmallest, {{"KINBOX_KAFKA_PORT", "tcp://10.0.0.1:9092"},
                                         {"KINBOX_KAFKA_SERVICE_HOST", "10.0.0.1"},
                                         {"KINBOX_KAFKA_SERVICE_PORT_PLAIN", "9092"},
                                         {"KINBOX_DATABASE_PORT_5432_TCP_ADDR", "10.0.0.2"},
                                         {"KINBOX_PORT", "tcp://10.0.0.3"}});
  EXPECT_EQ(config.kafka.settings.size(), 1u);
}

TEST(ConfigEnvironment, OverridesDoNotHideASectionOfTheWrongKind) {
  EXPECT_THAT(refusal(std::string(kSmallest) + "log: loud", {{"KINBOX_LOG_LEVEL", "debug"}}),
              HasSubstr("kinbox.yaml:8: log: should be a mapping"));
}

}  // namespace
}  // namespace kinbox::cli
