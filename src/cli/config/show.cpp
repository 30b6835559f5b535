#include "cli/config/show.hpp"

#include <array>
#include <charconv>

#include "cli/config/kafka_settings.hpp"
#include "cli/config/redact.hpp"
#include "cli/config/sections.hpp"
#include "cli/config/units.hpp"
#include "cli/config/values.hpp"
#include "cli/database.hpp"
#include "cli/output/joined.hpp"
#include "kinbox/kafka/settings.hpp"

namespace kinbox::cli {
namespace {

std::string text_of(const IdFrom& from) {
  switch (from.kind) {
    case IdFrom::Kind::kCloudEventsBinary:
      return "cloudevents_binary";
    case IdFrom::Kind::kCloudEventsStructured:
      return "cloudevents_structured";
    case IdFrom::Kind::kHeader:
      return "{header: " + from.what + "}";
    case IdFrom::Kind::kJsonPointer:
      return "{pointer: " + from.what + "}";
    case IdFrom::Kind::kCoordinates:
      return "coordinates";
    case IdFrom::Kind::kComposed:
      break;
  }
  std::string pointers;
  for (const auto& pointer : from.pointers) pointers += (pointers.empty() ? "" : ", ") + pointer;
  return "{composed: [" + pointers + "]}";
}

std::string text_of(const TypeFrom& from) {
  switch (from.kind) {
    case TypeFrom::Kind::kHeader:
      return "{header: " + from.what + "}";
    case TypeFrom::Kind::kJsonPointer:
      return "{pointer: " + from.what + "}";
    case TypeFrom::Kind::kTopic:
      break;
  }
  return "topic";
}

template <typename From>
std::string text_of(const std::vector<From>& list) {
  std::string text;
  for (const auto& from : list) text += (text.empty() ? "" : ", ") + text_of(from);
  return '[' + text + ']';
}

/// The shortest text that reads back as the same number.
std::string number_text(double number) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  return {text.data(), end};
}

std::string text_of(const InitialPosition& initial) {
  switch (initial.kind) {
    case InitialPosition::Kind::kEarliest:
      return "earliest";
    case InitialPosition::Kind::kLatest:
      return "latest";
    case InitialPosition::Kind::kSince:
      break;
  }
  return "{since: " + to_text(initial.since) + "}";
}

class Listing {
 public:
  explicit Listing(const Config& config)
      : config_(config), table_{{{"setting"}, {"value"}, {"source"}}, {}} {}

  void add(const std::string& path, const std::string& value) {
    table_.rows.push_back({path, value, source(path)});
  }
  /// Only if the file or the environment says so.
  void add_given(const std::string& path, const std::string& value) {
    if (source(path) != "default") add(path, value);
  }
  void add_secret(const std::string& path) { add(path, std::string(kRedacted)); }
  Table take() { return std::move(table_); }

 private:
  std::string source(const std::string& path) const {
    const auto variable = config_.overridden.find(path);
    if (variable != config_.overridden.end()) return variable->second;
    return config_.given.contains(path) ? "file" : "default";
  }

  const Config& config_;
  Table table_;
};

void list_kafka(Listing& listing, const KafkaConfig& kafka) {
  for (const auto& [key, value] : kafka.settings) {
    if (kafka::is_secret(key))
      listing.add_secret("kafka." + key);
    else
      listing.add("kafka." + key, value);
  }
  if (kafka.sasl_password_file) listing.add("kafka.sasl_password_file", *kafka.sasl_password_file);
  for (const auto& key : kafka.allow_unsafe_settings)
    listing.add("kafka.allow_unsafe_settings", key);
}

void list_database(Listing& listing, const DatabaseConfig& database) {
  if (const auto* sqlite = std::get_if<SqliteConfig>(&database))
    return listing.add("database.sqlite", sqlite->path);
  const auto& postgres = std::get<PostgresConfig>(database);
  listing.add("database.postgres", redacted_uri(postgres.uri));
  listing.add("database.schema", postgres.schema);
  if (postgres.password_file) listing.add("database.password_file", *postgres.password_file);
  listing.add("database.migrate", word_for(postgres.migrate, words::migrate()));
  listing.add("database.coalesce_inserts", postgres.coalesce_inserts ? "true" : "false");
}

void list_topics(Listing& listing, const std::string& prefix, const ConsumerConfig& consumer) {
  listing.add(prefix + "topics", joined(consumer.topics));
  for (const auto& [topic, rules] : consumer.identity) {
    const auto of_topic = prefix + "topics." + topic + '.';
    listing.add(of_topic + "id", text_of(rules.id));
    if (rules.scope != IdScope::kUnspecified)
      listing.add(of_topic + "id_scope", word_for(rules.scope, words::id_scope()));
    listing.add(of_topic + "type", text_of(rules.type));
    listing.add(of_topic + "max_value", size_text(rules.max_value_bytes));
    listing.add(of_topic + "max_json_depth", std::to_string(rules.max_json_depth));
  }
}

std::string text_of(const Bound& bound) { return bound ? to_text(*bound) : "none"; }
using Add = void (Listing::*)(const std::string& path, const std::string& value);

void list_retry(Listing& listing, const std::string& prefix, const RetryPolicy& retry,
                Add add = &Listing::add) {
  (listing.*add)(prefix + "max_attempts", std::to_string(retry.max_attempts));
  (listing.*add)(prefix + "first_delay", to_text(retry.first_delay));
  (listing.*add)(prefix + "max_delay", to_text(retry.max_delay));
  if (retry.max_elapsed) (listing.*add)(prefix + "max_elapsed", to_text(*retry.max_elapsed));
}

void list_park(Listing& listing, const std::string& prefix, const ParkPolicy& park, Add add) {
  std::vector<std::string> delays;
  for (const auto delay : park.delays) delays.push_back(to_text(delay));
  (listing.*add)(prefix + "delays", joined(delays));
  (listing.*add)(prefix + "max_per_key", std::to_string(park.max_per_key));
  (listing.*add)(prefix + "max_parked", std::to_string(park.max_parked));
  (listing.*add)(prefix + "when_full", word_for(park.when_full, words::when_full()));
  (listing.*add)(prefix + "then", word_for(park.then, words::then()));
}

void list_ladder(Listing& listing, const std::string& prefix, const OnError& ladder, Add add) {
  list_retry(listing, prefix + "retry.", ladder.retry, add);
  listing.add(prefix + "then", word_for(ladder.then, words::then()));
  if (ladder.then == Then::kPark) list_park(listing, prefix + "park.", ladder.park, add);
  if (!ladder.fail_over.handler.empty())
    (listing.*add)(prefix + "failover.handler", ladder.fail_over.handler);
  if (!ladder.fail_over.topic.empty())
    (listing.*add)(prefix + "failover.topic", ladder.fail_over.topic);
}

/// Of rules, and of handlers' own ladders, what they say themselves: the rest is as listed before.
void list_on_error(Listing& listing, const std::string& prefix, const OnError& on_error,
                   Add add = &Listing::add) {
  list_ladder(listing, prefix, on_error, add);
  for (std::size_t i = 0; i < on_error.rules.size(); ++i) {
    const auto& rule = on_error.rules[i];
    const auto path = prefix + "rules[" + std::to_string(i) + "].";
    if (rule.error_class)
      listing.add(path + "class", word_for(*rule.error_class, words::error_class()));
    if (!rule.code.empty()) listing.add(path + "code", rule.code);
    list_ladder(listing, path, rule.on_error, &Listing::add_given);
  }
}

void list_handlers(Listing& listing, const std::string& prefix, const ConsumerConfig& consumer) {
  for (std::size_t i = 0; i < consumer.handlers.size(); ++i) {
    const auto& handler = consumer.handlers[i];
    const auto path = prefix + "handlers[" + std::to_string(i) + "]";
    listing.add(path, handler.name);
    if (handler.timeout) listing.add(path + ".handler_timeout", text_of(*handler.timeout));
    for (const auto& [key, value] : handler.settings) {
      if (is_secret_name(key))
        listing.add_secret(path + ".settings." + key);
      else
        listing.add(path + ".settings." + key, value);
    }
    if (handler.on_error)
      list_on_error(listing, path + ".on_error.", *handler.on_error, &Listing::add_given);
  }
}

void list_time_of_handlers(Listing& listing, const std::string& prefix,
                           const ConsumerConfig& consumer, const Config& config) {
  const auto timeout = handler_timeout(consumer, config);
  listing.add(prefix + "handler_timeout", text_of(timeout));
  auto derived = timeout ? Bound(HandlerClock::derived_grace(*timeout)) : std::nullopt;
  listing.add(prefix + "handler_grace", text_of(consumer.handler_grace.value_or(derived)));
  listing.add(prefix + "max_crashes", std::to_string(consumer.max_crashes));
}

void list_dlq_budget(Listing& listing, const std::string& prefix, const DlqBudgetOptions& budget) {
  listing.add(prefix + "capacity", number_text(budget.capacity));
  listing.add(prefix + "per_success", number_text(budget.per_success));
  listing.add(prefix + "probe_every", to_text(budget.probe_every));
}

void list_replies(Listing& listing, const std::string& prefix, const ReplyOptions& replies) {
  if (!replies.to.empty()) listing.add(prefix + "to", replies.to);
  if (!replies.allow.empty()) {
    listing.add(prefix + "header", replies.header);
    listing.add(prefix + "allow", joined(replies.allow));
  }
  listing.add(prefix + "verdicts", replies.processed && replies.failed ? "processed, failed"
                                   : replies.processed                 ? "processed"
                                                                       : "failed");
}

void list_consumer(Listing& listing, const std::string& prefix, const ConsumerConfig& consumer,
                   const Config& config) {
  listing.add(prefix + "name", consumer.name);
  listing.add(prefix + "group", consumer.group);
  list_topics(listing, prefix, consumer);
  list_handlers(listing, prefix, consumer);
  list_on_error(listing, prefix + "on_error.", consumer.on_error);
  listing.add(prefix + "unknown_types", word_for(consumer.unknown_types, words::unknown_types()));
  listing.add(prefix + "id_conflict", word_for(consumer.id_conflict, words::id_conflict()));
  listing.add(prefix + "older_than", text_of(consumer.older_than));
  listing.add(prefix + "initial", text_of(consumer.initial));
  listing.add(prefix + "workers", std::to_string(consumer.workers));
  listing.add(prefix + "max_batch", std::to_string(consumer.max_batch));
  listing.add(prefix + "max_batch_bytes", size_text(consumer.max_batch_bytes));
  listing.add(prefix + "max_batch_wait", to_text(consumer.max_batch_wait));
  listing.add(prefix + "max_transaction_time",
              to_text(consumer.max_transaction_time.value_or(default_transaction_time(config))));
  list_time_of_handlers(listing, prefix, consumer, config);
  listing.add(prefix + "stalled_after", text_of(consumer.stalled_after));
  list_dlq_budget(listing, prefix + "dlq_budget.", consumer.dlq_budget);
  listing.add(prefix + "dlq_topic", consumer.dlq_topic.value_or("none"));
  if (consumer.replies) list_replies(listing, prefix + "reply.", *consumer.replies);
}

void list_smtp(Listing& listing, const EmailConfig& email) {
  const auto& smtp = email.smtp;
  listing.add("email.security", word_for(smtp.security, words::security()));
  if (!smtp.ca_file.empty()) listing.add("email.ca_file", smtp.ca_file);
  if (!smtp.user.empty()) listing.add("email.user", smtp.user);
  if (!smtp.password.empty()) listing.add_secret("email.password");
  if (email.password_file) listing.add("email.password_file", *email.password_file);
  if (!smtp.hello_name.empty()) listing.add("email.hello_name", smtp.hello_name);
  listing.add("email.connect_timeout", to_text(smtp.connect_timeout));
}

std::string text_of(const email::Mailbox& mailbox) {
  return mailbox.name.empty() ? mailbox.address : mailbox.name + " <" + mailbox.address + ">";
}

void list_email(Listing& listing, const EmailConfig& email) {
  listing.add("email.transport", transport_text(email));
  if (email.way == EmailConfig::Way::kSmtp) list_smtp(listing, email);
  listing.add("email.from", text_of(email.from));
  if (email.reply_to) listing.add("email.reply_to", text_of(*email.reply_to));
  if (email.templates) listing.add("email.templates", *email.templates);
  listing.add("email.senders", std::to_string(email.senders));
  listing.add("email.rate", email.rate.value_or("none"));
  listing.add("email.delivery_timeout", to_text(email.smtp.delivery_timeout));
  listing.add("email.on_unknown", word_for(email.on_unknown, words::on_unknown()));
  list_retry(listing, "email.retry.", email.retry);
}

void list_retention(Listing& listing, const RetentionConfig& retention) {
  const auto& windows = retention.windows;
  listing.add("retention.inbox", text_of(windows.inbox));
  listing.add("retention.dead_letters", text_of(windows.dead_letters));
  listing.add("retention.mail", text_of(windows.mail));
  listing.add("retention.replays", text_of(windows.replays));
  listing.add("retention.audit", text_of(windows.audit));
  listing.add("retention.margin", retention.margin ? to_text(*retention.margin) : "segment.ms");
  listing.add("retention.strict", retention.strict ? "true" : "false");
  listing.add("retention.every", text_of(retention.every));
  if (!retention.confirm.empty()) listing.add("retention.confirm", joined(retention.confirm));
}

}  // namespace

Table show_config(const Config& config) {
  Listing listing(config);
  list_kafka(listing, config.kafka);
  list_database(listing, config.database);
  for (std::size_t i = 0; i < config.consumers.size(); ++i)
    list_consumer(listing, "consumers[" + std::to_string(i) + "].", config.consumers[i], config);
  listing.add("outbox.relay", word_for(config.outbox.relay, words::relay()));
  if (config.outbox.source) listing.add("outbox.source", *config.outbox.source);
  listing.add("outbox.max_event", size_text(config.outbox.max_event));
  listing.add("outbox.retention", to_text(config.outbox.retention));
  if (config.email) list_email(listing, *config.email);
  listing.add("dlq.edit", config.dlq.edit ? "true" : "false");
  if (config.retention) list_retention(listing, *config.retention);
  listing.add("log.format", word_for(config.log.format, words::log_format()));
  listing.add("log.level", word_for(config.log.level, words::log_level()));
  return listing.take();
}

}  // namespace kinbox::cli
