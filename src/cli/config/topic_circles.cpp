#include "cli/config/topic_circles.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <string>

#include "core/dlq_topic_name.hpp"

namespace kinbox::cli {
namespace {

/// What `consumer` cannot handle of topic `from`, it hands on to topic `to`.
struct Hop {
  const ConsumerConfig* consumer = nullptr;
  std::string from;
  std::string to;
};
using Hops = std::vector<Hop>;

void add_fail_over(const OnError& on_error, std::set<std::string>& topics) {
  const auto last = on_error.then == Then::kPark ? on_error.park.then : on_error.then;
  if (last == Then::kFailOver && !on_error.fail_over.topic.empty())
    topics.insert(on_error.fail_over.topic);
  for (const auto& rule : on_error.rules) add_fail_over(rule.on_error, topics);
}

Hops hops_of(const ConsumerConfig& consumer) {
  std::set<std::string> fail_over;
  add_fail_over(consumer.on_error, fail_over);
  for (const auto& handler : consumer.handlers)
    if (handler.on_error) add_fail_over(*handler.on_error, fail_over);
  Hops hops;
  for (const auto& from : consumer.topics) {
    auto topics = fail_over;
    if (consumer.dlq_topic)
      topics.insert(dlq_topic_name(*consumer.dlq_topic, consumer.group, from, consumer.name));
    for (const auto& to : topics) hops.push_back({&consumer, from, to});
  }
  return hops;
}

/// From `way`'s last topic on to its first; empty if that cannot be.
Hops circle(const Hops& all, Hops way, std::set<std::string>& seen) {
  const auto last = way.back().to;
  if (last == way.front().from) return way;
  if (!seen.insert(last).second) return {};
  for (const auto& hop : all) {
    if (hop.from != last) continue;
    way.push_back(hop);
    if (auto found = circle(all, way, seen); !found.empty()) return found;
    way.pop_back();
  }
  return {};
}

std::string text_of(const Hops& circle) {
  std::string text;
  for (const auto& [consumer, from, to] : circle)
    text += (text.empty() ? "" : ", ") + consumer->name + " hands what fails of " + from +
            " on to " + to;
  return text;
}

}  // namespace

void refuse_topic_circles(const ConfigNode& node, const std::vector<ConsumerConfig>& consumers) {
  Hops all;
  for (const auto& consumer : consumers)
    std::ranges::copy(hops_of(consumer), std::back_inserter(all));
  for (const auto& hop : all) {
    std::set<std::string> seen;
    const auto found = circle(all, {hop}, seen);
    if (found.empty()) continue;
    node.problem(text_of(found) + (found.size() == 1 ? ", which it reads itself" : "") +
                 "; it would come back to who could not handle it: name a failover.topic or "
                 "dlq_topic that none of them reads");
    return;
  }
}

}  // namespace kinbox::cli
