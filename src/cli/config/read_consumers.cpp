#include <algorithm>

#include "cli/config/sections.hpp"
#include "cli/config/topic_circles.hpp"
#include "cli/config/units.hpp"
#include "cli/config/values.hpp"
#include "core/topic_name.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::cli {
namespace {

/// Consumer names become part of topic names ("dlq.{group}.{topic}").
std::string read_name(const ConfigNode& node) {
  const auto name = node.text();
  if (!name.empty() && !is_topic_name(name))
    node.problem("\"" + name + "\": use letters, digits, '.', '_' and '-', at most 249");
  return name;
}

void add_topic(ConsumerConfig& consumer, const ConfigNode& node, const std::string& topic) {
  if (topic.empty()) return;
  if (!is_topic_name(topic))
    node.problem("\"" + topic + "\" is no topic name; patterns are not supported");
  const auto& topics = consumer.topics;
  if (std::find(topics.begin(), topics.end(), topic) != topics.end())
    node.problem("topic " + topic + " stands twice");
  consumer.topics.push_back(topic);
}

void read_topics(const ConfigNode& node, ConsumerConfig& consumer) {
  if (node.is_map()) {
    for (const auto& [topic, rules] : node.entries()) {
      add_topic(consumer, rules, topic);
      consumer.identity[topic] = read_identity(rules);
    }
  } else {
    for (const auto& item : node.items()) add_topic(consumer, item, item.text());
  }
  if (consumer.topics.empty() && (node.is_map() || node.is_list()))
    node.problem("should list at least one topic");
}

/// Nested settings get the names that handlers know: {recipient: {sql: x}} is "recipient.sql".
void read_settings(const ConfigNode& node, const std::string& prefix,
                   std::map<std::string, std::string>& settings) {
  for (const auto& [key, value] : node.entries()) {
    if (value.is_map())
      read_settings(value, prefix + key + '.', settings);
    else
      settings[prefix + key] = value.text();
  }
}

/// A bound that must be more than nothing.
void read_bound_or_none(const ConfigNode& node, std::optional<Bound>& given) {
  read_bound_or_none(node, given.emplace());
}

/// A handler's own ladder begins as its consumer's.
HandlerConfig read_handler(const ConfigNode& node, const OnError& of_consumer) {
  HandlerConfig handler;
  handler.place = node.place();
  if (!node.is_map()) {
    handler.name = node.text();
    return handler;
  }
  ConfigMap map(node);
  map.read("name", handler.name);
  if (handler.name.empty()) node.problem("has no name; add name: HANDLER");
  if (const auto settings = map.take("settings")) read_settings(*settings, "", handler.settings);
  if (const auto timeout = map.take("handler_timeout"))
    read_bound_or_none(*timeout, handler.timeout);
  if (const auto on_error = map.take("on_error")) {
    handler.on_error = of_consumer;
    read_on_error(*on_error, *handler.on_error);
  }
  map.refuse_the_rest();
  return handler;
}

void read_initial(const ConfigNode& node, InitialPosition& initial) {
  using Kind = InitialPosition::Kind;
  if (!node.is_map()) {
    read_word(node, initial.kind,
              Words<Kind>{{"earliest", Kind::kEarliest}, {"latest", Kind::kLatest}});
    return;
  }
  ConfigMap map(node);
  const auto since = map.take("since");
  map.refuse_the_rest();
  if (!since) return node.problem("should be earliest, latest or {since: 2026-01-31T12:00:00Z}");
  initial.kind = Kind::kSince;
  try {
    if (const auto text = since->text(); !text.empty()) initial.since = parse_time(text);
  } catch (const ConfigurationError& e) {
    since->problem(e.what());
  }
}

void read_dlq_budget(const ConfigNode& node, DlqBudgetOptions& budget) {
  ConfigMap map(node);
  map.read("capacity", budget.capacity);
  map.read("per_success", budget.per_success);
  map.read("probe_every", budget.probe_every);
  map.refuse_the_rest();
}

void read_dlq_topic(const ConfigNode& node, std::optional<std::string>& dlq_topic) {
  const auto text = node.text();
  if (text.empty()) return;
  if (text == "none") {
    dlq_topic.reset();
    return;
  }
  dlq_topic = text;
  auto plain = text;
  for (const std::string_view placeholder : {"{group}", "{topic}", "{consumer}"})
    for (auto at = plain.find(placeholder); at != std::string::npos; at = plain.find(placeholder))
      plain.replace(at, placeholder.size(), "x");
  if (!is_topic_name(plain))
    node.problem("\"" + text +
                 "\" makes no topic name; it may hold {group}, {topic} and {consumer}, or be none");
}

void read_batches(ConfigMap& map, ConsumerConfig& consumer) {
  map.read("workers", consumer.workers);
  map.read("max_batch", consumer.max_batch);
  ByteSize bytes{consumer.max_batch_bytes};
  map.read("max_batch_bytes", bytes);
  consumer.max_batch_bytes = bytes.bytes;
  map.read("max_batch_wait", consumer.max_batch_wait);
  if (const auto bound = map.take("max_transaction_time"))
    read_bound(*bound, consumer.max_transaction_time);
  if (const auto patience = map.take("stalled_after"))
    read_bound_or_none(*patience, consumer.stalled_after);
}

void read_time_of_handlers(ConfigMap& map, ConsumerConfig& consumer) {
  if (const auto timeout = map.take("handler_timeout"))
    read_bound_or_none(*timeout, consumer.handler_timeout);
  if (const auto grace = map.take("handler_grace"))
    read_bound_or_none(*grace, consumer.handler_grace);
  map.read("max_crashes", consumer.max_crashes);
}

void read_handlers(ConfigMap& map, ConsumerConfig& consumer) {
  const auto handlers = map.take("handlers");
  if (!handlers) return map.node().problem("has no handlers; add handlers: [NAME]");
  for (const auto& item : handlers->items())
    consumer.handlers.push_back(read_handler(item, consumer.on_error));
  if (consumer.handlers.empty() && handlers->is_list())
    handlers->problem("should list at least one handler");
}

void refuse_ladders(const ConfigNode& node, const ConsumerConfig& consumer) {
  std::vector<HandlerLadder> ladders;
  for (const auto& handler : consumer.handlers)
    ladders.push_back({handler.name, handler.on_error ? &*handler.on_error : &consumer.on_error});
  try {
    require_usable(ladders);
  } catch (const ConfigurationError& e) {
    node.problem(e.what());
  }
}

ConsumerConfig read_consumer(const ConfigNode& node) {
  ConsumerConfig consumer;
  consumer.place = node.place();
  ConfigMap map(node);
  if (const auto name = map.take("name"))
    consumer.name = read_name(*name);
  else
    node.problem("has no name; add name: NAME, which becomes part of every event's identity");
  const auto group = map.take("group");
  consumer.group = group ? read_name(*group) : consumer.name;
  if (const auto topics = map.take("topics"))
    read_topics(*topics, consumer);
  else
    node.problem("has no topics; add topics: [NAME]");
  if (const auto on_error = map.take("on_error")) read_on_error(*on_error, consumer.on_error);
  read_handlers(map, consumer);
  refuse_ladders(node, consumer);
  if (const auto unknown = map.take("unknown_types"))
    read_word(*unknown, consumer.unknown_types, words::unknown_types());
  if (const auto conflict = map.take("id_conflict"))
    read_word(*conflict, consumer.id_conflict, words::id_conflict());
  if (const auto age = map.take("older_than")) read_bound_or_none(*age, consumer.older_than);
  if (const auto initial = map.take("initial")) read_initial(*initial, consumer.initial);
  read_batches(map, consumer);
  read_time_of_handlers(map, consumer);
  if (const auto budget = map.take("dlq_budget")) read_dlq_budget(*budget, consumer.dlq_budget);
  if (const auto topic = map.take("dlq_topic")) read_dlq_topic(*topic, consumer.dlq_topic);
  if (const auto replies = map.take("reply"))
    consumer.replies = read_replies(*replies, consumer.topics);
  map.refuse_the_rest();
  return consumer;
}

/// Two of one name would share their inbox, two of one group would each see half of the records.
void refuse_twins(const ConfigNode& node, const std::vector<ConsumerConfig>& consumers) {
  for (auto a = consumers.begin(); a != consumers.end(); ++a)
    for (auto b = std::next(a); b != consumers.end(); ++b) {
      if (a->name.empty() || b->name.empty()) continue;
      if (a->name == b->name)
        node.problem("two consumers have the name " + a->name + " (" + a->place + " and " +
                     b->place + "); a name is an event's identity, give each its own");
      else if (a->group == b->group)
        node.problem("two consumers are in the group " + a->group + " (" + a->name + " and " +
                     b->name + "); each would get only some of the records, give each its own");
    }
}

}  // namespace

std::vector<ConsumerConfig> read_consumers(const ConfigNode& node) {
  std::vector<ConsumerConfig> consumers;
  for (const auto& item : node.items()) consumers.push_back(read_consumer(item));
  if (consumers.empty() && node.is_list()) node.problem("lists no consumer");
  refuse_twins(node, consumers);
  refuse_topic_circles(node, consumers);
  return consumers;
}

}  // namespace kinbox::cli
