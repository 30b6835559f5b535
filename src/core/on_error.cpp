#include "kinbox/on_error.hpp"

#include <algorithm>
#include <set>

#include "core/failover_topics.hpp"
#include "core/topic_name.hpp"
#include "kinbox/errors.hpp"

namespace kinbox {
namespace {

[[noreturn]] void refuse(std::string_view handler, const std::string& what) {
  throw ConfigurationError("handler \"" + std::string(handler) + "\": on_error: " + what);
}

bool matches(const ErrorRule& rule, ErrorClass error_class, std::string_view code) {
  return (!rule.error_class || *rule.error_class == error_class) &&
         (rule.code.empty() || rule.code == code);
}

/// A ladder and those of its rules.
std::vector<const OnError*> variants(const OnError& on_error) {
  std::vector<const OnError*> all{&on_error};
  for (const auto& rule : on_error.rules) all.push_back(&rule.on_error);
  return all;
}

bool parks(const OnError& ladder) { return ladder.then == Then::kPark; }

bool fails_over(const OnError& ladder) {
  return ladder.then == Then::kFailOver || (parks(ladder) && ladder.park.then == Then::kFailOver);
}

void require_park(std::string_view handler, const ParkPolicy& park) {
  if (park.delays.empty()) refuse(handler, "park.delays is empty; name one delay at least");
  if (!std::is_sorted(park.delays.begin(), park.delays.end()))
    refuse(handler, "park.delays shrink; each is to be at least as long as the one before");
  if (park.delays.front().count() <= 0) refuse(handler, "park.delays should be more than nothing");
  if (park.then == Then::kPark)
    refuse(handler,
           "park.then cannot be park again; make the last of park.delays longer, or add more");
}

void require_fail_over(std::string_view handler, const FailOver& fail_over,
                       std::span<const HandlerLadder> ladders) {
  if (fail_over.handler.empty() == fail_over.topic.empty())
    refuse(handler, "failover needs a handler or a topic, and not both");
  if (!fail_over.topic.empty() && !is_topic_name(fail_over.topic))
    refuse(handler, "failover.topic: \"" + fail_over.topic + "\" is no topic name");
  if (fail_over.handler.empty()) return;
  if (std::none_of(ladders.begin(), ladders.end(),
                   [&](const auto& other) { return other.handler == fail_over.handler; }))
    refuse(handler, "failover.handler: this consumer has no handler \"" + fail_over.handler + '"');
}

/// Handlers that `handler` may hand an event on to, directly.
std::set<std::string_view> next_handlers(const OnError& on_error) {
  std::set<std::string_view> next;
  for (const auto* ladder : variants(on_error))
    if (fails_over(*ladder) && !ladder->fail_over.handler.empty())
      next.insert(ladder->fail_over.handler);
  return next;
}

void refuse_circles(const HandlerLadder& start, std::span<const HandlerLadder> ladders) {
  std::set<std::string_view> reached;
  std::vector<std::string_view> open;
  const auto visit = [&](const OnError& on_error) {
    for (const auto next : next_handlers(on_error))
      if (reached.insert(next).second) open.push_back(next);
  };
  visit(*start.on_error);
  while (!open.empty()) {
    const auto handler = open.back();
    open.pop_back();
    if (handler == start.handler)
      refuse(start.handler,
             "fails over to itself, at once or by way of others; give the handler that comes last "
             "an on_error of its own that ends otherwise");
    for (const auto& ladder : ladders)
      if (ladder.handler == handler) visit(*ladder.on_error);
  }
}

}  // namespace

const OnError& ladder_for(const OnError& on_error, ErrorClass error_class, std::string_view code) {
  const auto found =
      std::find_if(on_error.rules.begin(), on_error.rules.end(),
                   [&](const auto& rule) { return matches(rule, error_class, code); });
  return found == on_error.rules.end() ? on_error : found->on_error;
}

void require_usable(std::span<const HandlerLadder> ladders) {
  for (const auto& [handler, on_error] : ladders) {
    for (const auto* ladder : variants(*on_error)) {
      if (parks(*ladder)) require_park(handler, ladder->park);
      if (fails_over(*ladder)) require_fail_over(handler, ladder->fail_over, ladders);
    }
    for (const auto& rule : on_error->rules)
      if (!rule.error_class && rule.code.empty())
        refuse(handler, "a rule matches everything; name a class, a code or both");
  }
  for (const auto& ladder : ladders) refuse_circles(ladder, ladders);
}

void refuse_own_topics(std::span<const HandlerLadder> ladders,
                       std::span<const std::string> consumed) {
  for (const auto& [handler, on_error] : ladders)
    for (const auto* ladder : variants(*on_error)) {
      const auto& topic = ladder->fail_over.topic;
      if (fails_over(*ladder) &&
          std::find(consumed.begin(), consumed.end(), topic) != consumed.end())
        refuse(handler, "failover.topic: " + topic +
                            ", which this consumer reads itself; what fails would come back for "
                            "ever");
    }
}

}  // namespace kinbox
