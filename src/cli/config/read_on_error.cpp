#include "cli/config/sections.hpp"
#include "cli/config/values.hpp"

namespace kinbox::cli {
namespace {

void read_park(const ConfigNode& node, ParkPolicy& park) {
  ConfigMap map(node);
  if (const auto delays = map.take("delays")) {
    park.delays.clear();
    for (const auto& item : delays->items()) read_value(item, park.delays.emplace_back());
  }
  map.read("max_per_key", park.max_per_key);
  map.read("max_parked", park.max_parked);
  if (const auto full = map.take("when_full")) read_word(*full, park.when_full, words::when_full());
  if (const auto then = map.take("then")) read_word(*then, park.then, words::then());
  map.refuse_the_rest();
}

void read_fail_over(const ConfigNode& node, FailOver& fail_over) {
  ConfigMap map(node);
  fail_over = {};
  map.read("handler", fail_over.handler);
  map.read("topic", fail_over.topic);
  map.refuse_the_rest();
}

void read_ladder(ConfigMap& map, OnError& ladder) {
  read_retry(map, ladder.retry);
  if (const auto then = map.take("then")) read_word(*then, ladder.then, words::then());
  if (const auto park = map.take("park")) read_park(*park, ladder.park);
  if (const auto fail_over = map.take("failover")) read_fail_over(*fail_over, ladder.fail_over);
}

/// What a rule does not say is as it is without the rule.
ErrorRule read_rule(const ConfigNode& node, const OnError& otherwise) {
  ErrorRule rule;
  rule.on_error = otherwise;
  rule.on_error.rules.clear();
  ConfigMap map(node);
  if (const auto error_class = map.take("class"))
    read_word(*error_class, rule.error_class.emplace(), words::error_class());
  map.read("code", rule.code);
  read_ladder(map, rule.on_error);
  map.refuse_the_rest();
  return rule;
}

}  // namespace

void read_on_error(const ConfigNode& node, OnError& on_error) {
  ConfigMap map(node);
  read_ladder(map, on_error);
  if (const auto rules = map.take("rules")) {
    on_error.rules.clear();
    for (const auto& item : rules->items()) on_error.rules.push_back(read_rule(item, on_error));
  }
  map.refuse_the_rest();
}

}  // namespace kinbox::cli
