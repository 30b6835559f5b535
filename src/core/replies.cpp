#include "core/replies.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/outgoing_event.hpp"
#include "core/storable_text.hpp"
#include "core/topic_name.hpp"
#include "kinbox/errors.hpp"

namespace kinbox {
namespace {

constexpr std::string_view kCorrelation = "correlation-id";
constexpr std::size_t kMaxCode = 512;

bool contains(std::span<const std::string> list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

void require_reply_topic(const std::string& topic, std::span<const std::string> consumed) {
  if (!is_topic_name(topic))
    throw ConfigurationError("replies cannot go to \"" + storable_text(topic, 256) +
                             "\", which is no topic name: letters, digits, '.', '_' and '-', at "
                             "most 249");
  if (contains(consumed, topic))
    throw ConfigurationError("replies cannot go to " + topic +
                             ", which this consumer reads itself; give them a topic of their own");
}

/// Two consumers that reply into each other's topics would never come to an end.
bool is_reply(const Event& event) {
  const auto correlation = event.header(kCorrelation);
  const auto cause = event.header("ce_causationid");
  return correlation && cause && as_text(*correlation) == as_text(*cause);
}

std::string_view word_of(Verdict verdict) {
  return verdict == Verdict::kApplied ? "processed" : "failed";
}

/// Nothing of the event but its id: texts of errors may quote its payload.
std::string payload_of(const Event& event, const std::string& consumer, Verdict verdict,
                       const Failure& failure) {
  nlohmann::ordered_json payload{
      {"eventId", event.id()}, {"consumer", consumer}, {"verdict", word_of(verdict)}};
  if (verdict == Verdict::kDead) {
    payload["reason"] = failure.reason;
    if (!failure.error_code.empty())
      payload["errorCode"] = storable_text(failure.error_code, kMaxCode);
  }
  return payload.dump();
}

}  // namespace

void require_usable(const ReplyOptions& options, std::span<const std::string> consumed) {
  if (options.to.empty() && options.allow.empty())
    throw ConfigurationError(
        "replies have no topic; add to: TOPIC, or allow: [TOPIC] for those that a record's "
        "header may name");
  if (options.header.empty() || !is_storable_text(options.header))
    throw ConfigurationError("replies: header: should be the name of a header, like reply-to");
  if (!options.processed && !options.failed)
    throw ConfigurationError(
        "replies say nothing; verdicts: should list processed, failed or both");
  if (!options.to.empty()) require_reply_topic(options.to, consumed);
  for (const auto& topic : options.allow) require_reply_topic(topic, consumed);
}

Replies::Replies(Parts parts, const Dialect& dialect)
    : consumer_(std::move(parts.consumer)),
      options_(std::move(parts.options)),
      outbox_(dialect, std::move(parts.outbox)) {}

std::optional<std::string> Replies::write(OpenTransaction& tx, const Event& event, Verdict verdict,
                                          const Failure& failure) const {
  if (!wanted(event, verdict)) return std::nullopt;
  try {
    if (auto topic = topic_for(event); !topic.empty())
      emit(tx, event, std::move(topic), verdict, failure);
    return std::nullopt;
  } catch (const PermanentError& e) {
    return e.what();
  }
}

bool Replies::wanted(const Event& event, Verdict verdict) const {
  if (verdict == Verdict::kApplied) return options_.processed && !is_reply(event);
  if (verdict == Verdict::kDead) return options_.failed && !is_reply(event);
  return false;
}

std::string Replies::topic_for(const Event& event) const {
  if (options_.allow.empty()) return options_.to;
  const auto named = event.header(options_.header);
  if (!named || named->empty()) return options_.to;
  std::string topic(as_text(*named));
  if (topic != options_.to && !contains(options_.allow, topic))
    throw PermanentError("its header " + options_.header + " names topic \"" +
                         storable_text(topic, 256) +
                         "\", which is not on the list reply.allow; add it there, or have the "
                         "producer name another");
  return topic;
}

void Replies::emit(OpenTransaction& tx, const Event& event, std::string topic, Verdict verdict,
                   const Failure& failure) const {
  const Handling handling{.consumer = consumer_, .event = &event};
  OutgoingEvent reply;
  reply.topic = std::move(topic);
  if (const auto key = event.key()) reply.key = as_text(*key);
  reply.id = derived_reply_id(handling, word_of(verdict));
  reply.type = event.type() + '.' + std::string(word_of(verdict));
  reply.headers = {{std::string(kCorrelation), event.id()}};
  reply.payload = payload_of(event, consumer_, verdict, failure);
  const HandlerScope scope(tx, handling);
  outbox_.emit(tx, reply);
}

}  // namespace kinbox
