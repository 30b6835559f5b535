#include "cli/consumer_spec.hpp"

#include <algorithm>
#include <set>

#include "cli/config/kafka_settings.hpp"
#include "cli/config/nearest.hpp"
#include "cli/config/units.hpp"
#include "cli/database.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/handler_registry.hpp"

namespace kinbox::cli {
namespace {

/// The group takes the partitions of whoever does not poll for so long.
void refuse_longer_than_a_poll(const std::string& what, const Bound& bound, const Config& config) {
  const auto poll_interval = max_poll_interval(config.kafka);
  if (!bound || *bound < poll_interval) return;
  throw ConfigurationError(what + " " + to_text(*bound) +
                           " must be below Kafka's max.poll.interval.ms (" +
                           to_text(poll_interval) + "), or the group takes its partitions away");
}

const HandlerSpec& find_handler(const HandlerConfig& wanted,
                                std::span<const HandlerSpec> handlers) {
  const auto found = std::find_if(handlers.begin(), handlers.end(),
                                  [&](const auto& spec) { return spec.name == wanted.name; });
  if (found != handlers.end()) return *found;
  std::vector<std::string> names;
  for (const auto& spec : handlers) names.push_back(spec.name);
  throw ConfigurationError(wanted.place + ": handler \"" + wanted.name +
                           "\" is not in this binary" + suggestion(wanted.name, names));
}

std::vector<HandlerUse> make_uses(const ConsumerConfig& consumer,
                                  std::span<const HandlerSpec> handlers) {
  std::vector<HandlerUse> uses;
  for (const auto& handler : consumer.handlers)
    uses.push_back({find_handler(handler, handlers), handler.settings, handler.on_error});
  return uses;
}

/// What is written for the handler, what it says of itself, what holds for the consumer.
void set_timeouts(std::vector<HandlerUse>& uses, const ConsumerConfig& consumer,
                  const Config& config) {
  for (std::size_t i = 0; i < uses.size(); ++i) {
    const auto& handler = consumer.handlers[i];
    auto& timeout = uses[i].spec.traits.timeout;
    if (!timeout) timeout = handler_timeout(consumer, config);
    if (handler.timeout) timeout = *handler.timeout;
    refuse_longer_than_a_poll(handler.place + ": consumer " + consumer.name + ": handler " +
                                  handler.name + ": handler_timeout",
                              timeout, config);
  }
}

OutboxOptions outbox_options(const OutboxConfig& config) {
  OutboxOptions options;
  if (config.relay == OutboxConfig::Relay::kCdc) options.relay = OutboxOptions::Relay::kCdc;
  options.source = config.source.value_or("");
  options.max_bytes = config.max_event;
  return options;
}

}  // namespace

ConsumerSpec make_spec(const ConsumerConfig& consumer, const Config& config,
                       std::span<const HandlerSpec> handlers) {
  auto uses = make_uses(consumer, handlers);
  set_timeouts(uses, consumer, config);
  try {
    const HandlerRegistry checked(uses, dialect_of(config), outbox_options(config.outbox));
  } catch (const ConfigurationError& e) {
    throw ConfigurationError(consumer.place + ": consumer " + consumer.name + ": " + e.what());
  }
  ConsumerSpec spec;
  spec.name = consumer.name;
  spec.group = consumer.group;
  spec.topics = consumer.topics;
  spec.handlers = std::move(uses);
  spec.decoder = make_decoder(consumer);
  spec.relay_dead_letters = consumer.dlq_topic.has_value();
  spec.outbox = outbox_options(config.outbox);
  spec.replies = consumer.replies;
  if (consumer.dlq_topic) spec.dlq_topic = *consumer.dlq_topic;
  return spec;
}

EventDecoder make_decoder(const ConsumerConfig& consumer) {
  return EventDecoder(IdentityRules{}, consumer.identity);
}

WorkerOptions make_worker_options(const ConsumerConfig& consumer, const Config& config) {
  const auto bound = consumer.max_transaction_time.value_or(default_transaction_time(config));
  refuse_longer_than_a_poll(
      consumer.place + ": consumer " + consumer.name + ": max_transaction_time", bound, config);
  WorkerOptions options;
  options.budget = {consumer.max_batch, consumer.max_batch_bytes, consumer.max_batch_wait};
  options.dispatch.on_error = consumer.on_error;
  options.dispatch.dlq_budget = consumer.dlq_budget;
  options.dispatch.unknown_types = consumer.unknown_types;
  options.dispatch.id_conflict = consumer.id_conflict;
  options.dispatch.older_than = consumer.older_than;
  options.dispatch.max_transaction_time = bound;
  options.dispatch.max_batch = consumer.max_batch;
  options.dispatch.max_crashes = consumer.max_crashes;
  options.initial = consumer.initial;
  return options;
}

std::vector<std::string> advice(const Config& config, const kafka::Settings& settings) {
  std::vector<std::string> notes;
  for (const auto& doubt : kafka::doubts_about(settings))
    notes.push_back(config.file + ": kafka: " + doubt);
  for (const auto& consumer : config.consumers)
    if (consumer.workers > 1 && config.backend() == Backend::kSqlite)
      notes.push_back(consumer.place + ": consumer " + consumer.name + " has " +
                      std::to_string(consumer.workers) +
                      " workers, but SQLite has one writer: they take turns and gain nothing");
  return notes;
}

std::vector<SchemaComponent> schema_components(const Config& config,
                                               std::span<const HandlerSpec> handlers) {
  std::vector<SchemaComponent> components{kinbox_component()};
  std::set<std::string> seen;
  for (const auto& consumer : config.consumers)
    for (const auto& use : make_uses(consumer, handlers))
      if (!use.spec.migrations.empty() && seen.insert(use.spec.name).second)
        components.push_back({use.spec.name, use.spec.migrations});
  return components;
}

}  // namespace kinbox::cli
