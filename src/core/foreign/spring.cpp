// Spring Kafka. DeadLetterPublishingRecoverer names its headers kafka_dlt-original-topic,
// kafka_dlt-exception-fqcn and so on; in the topics of @RetryableTopic they are called
// kafka_original-topic, kafka_exception-fqcn, but the group keeps its prefix.
#include <algorithm>
#include <array>
#include <string>

#include "core/foreign/readers.hpp"

namespace kinbox::foreign {
namespace {

using Which = DlqHeaders::Which;
constexpr auto kJava = DlqHeaders::Form::kJava;

constexpr std::string_view kPrefix = "kafka_dlt-";
constexpr std::string_view kRetryTopicPrefix = "kafka_";

bool owns(std::string_view name) {
  constexpr std::array<std::string_view, 7> kPrefixes{
      kPrefix, "kafka_original-", "kafka_exception-", "retry_topic-", "kafka_key-exception-",
      "kafka_deliveryAttempt",
      // The exception of a deserializer, as a serialised Java object.
      "springDeserializerException"};
  return std::any_of(kPrefixes.begin(), kPrefixes.end(),
                     [&](std::string_view prefix) { return name.starts_with(prefix); });
}

bool has(const Record& record, std::string_view prefix, std::string_view name) {
  return record.header(std::string(prefix).append(name)).has_value();
}

bool recognises(const Record& record) {
  for (const auto prefix : {kPrefix, kRetryTopicPrefix})
    for (const std::string_view name : {"original-topic", "exception-fqcn", "exception-message"})
      if (has(record, prefix, name)) return true;
  return false;
}

std::string_view prefix_of(const Record& record) {
  const bool is_plain =
      has(record, kPrefix, "original-topic") || has(record, kPrefix, "exception-fqcn");
  return is_plain ? kPrefix : kRetryTopicPrefix;
}

/// What the stack trace says of a cause: "Caused by: java.lang.X: no such account" and its place.
void read_cause(const std::string& cause, std::string_view stack_trace, ForeignLetter& letter) {
  letter.error_type = cause;
  const auto caused_by = "\nCaused by: " + cause;
  const auto at = stack_trace.find(caused_by);
  if (at == std::string_view::npos) return;
  auto rest = stack_trace.substr(at + caused_by.size());
  auto message = rest.substr(0, rest.find('\n'));
  letter.thrown_at = first_place(rest);
  if (!message.starts_with(": ")) return;
  message.remove_prefix(2);
  if (message.ends_with('\r')) message.remove_suffix(1);
  letter.error_text = message;
}

void read_error(DlqHeaders& headers, std::string_view prefix, ForeignLetter& letter) {
  const auto words = [&](std::string_view name) {
    return headers.words(std::string(prefix).append(name));
  };
  const auto stack_trace = words("exception-stacktrace");
  letter.error_type = words("exception-fqcn");
  letter.error_text = words("exception-message");
  letter.thrown_at = first_place(stack_trace);
  // Spring's own exception is the same around everything that a listener throws.
  if (const auto cause = words("exception-cause-fqcn");
      !cause.empty() && letter.error_type.ends_with(".ListenerExecutionFailedException"))
    read_cause(cause, stack_trace, letter);
}

void read(DlqHeaders& headers, ForeignLetter& letter) {
  const auto prefix = prefix_of(headers.record());
  const auto original = [&](std::string_view name) {
    return std::string(prefix).append("original-").append(name);
  };
  // A record that goes from topic to topic may get these headers each time.
  letter.origin.topic = headers.topic(original("topic"), Which::kFirst);
  letter.origin.partition = headers.partition(original("partition"), kJava, Which::kFirst);
  letter.origin.offset = headers.offset(original("offset"), kJava, Which::kFirst);
  letter.group = headers.words("kafka_dlt-original-consumer-group");
  // It numbers the attempt that would come next.
  if (const auto next = headers.number("retry_topic-attempts", kJava)) letter.attempts = *next - 1;
  if (!letter.attempts) letter.attempts = headers.number("kafka_deliveryAttempt", kJava);
  letter.dead_at = letter.record.timestamp;
  letter.record.timestamp = headers.milliseconds(original("timestamp"), kJava, Which::kFirst);
  read_error(headers, prefix, letter);
}

}  // namespace

const Reader kSpringReader{Format::kSpring, recognises, owns, read};

}  // namespace kinbox::foreign
