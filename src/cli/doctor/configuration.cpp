#include <algorithm>

#include "cli/config/kafka_settings.hpp"
#include "cli/config/units.hpp"
#include "cli/consumer_spec.hpp"
#include "cli/doctor/examinations.hpp"
#include "cli/run/mail_sender.hpp"

namespace kinbox::cli {
namespace {

/// The longest of the consumer's handlers; none has no bound.
Bound longest(const ConsumerSpec& spec) {
  Bound longest = std::chrono::milliseconds{0};
  for (const auto& use : spec.handlers) {
    const auto& timeout = use.spec.traits.timeout;
    if (!timeout) return std::nullopt;
    longest = std::max(*longest, *timeout);
  }
  return longest;
}

/// An event may take the timeout, and the time in which its process is ended, before the group
/// gives its partition away.
void examine_time(const ConsumerConfig& consumer, const ConsumerSpec& spec, const Config& config,
                  Findings& findings) {
  const auto check = "handler time of " + consumer.name;
  const auto poll = max_poll_interval(config.kafka);
  const auto handler = longest(spec);
  if (!handler)
    return findings.warn(
        check,
        "a handler may take as long as it likes, and after max.poll.interval.ms (" + to_text(poll) +
            ") the group gives its partition away",
        "set handler_timeout");
  if (*handler * 10 > poll * 9)
    return findings.warn(check,
                         "handler_timeout " + to_text(*handler) +
                             " leaves less than a tenth of max.poll.interval.ms (" + to_text(poll) +
                             ") for the rest of a batch",
                         "lower handler_timeout, or raise kafka: max.poll.interval.ms");
  findings.ok(check, to_text(*handler) + " of max.poll.interval.ms " + to_text(poll));
}

void examine_consumer(const ConsumerConfig& consumer, const Config& config,
                      std::span<const HandlerSpec> handlers, Findings& findings) {
  findings.attempt("consumer " + consumer.name, "kinbox config check", [&] {
    const auto spec = make_spec(consumer, config, handlers);
    make_worker_options(consumer, config);
    findings.ok("consumer " + consumer.name, std::to_string(consumer.topics.size()) + " topics, " +
                                                 std::to_string(consumer.handlers.size()) +
                                                 " handlers, " + std::to_string(consumer.workers) +
                                                 " workers");
    examine_time(consumer, spec, config, findings);
  });
}

}  // namespace

void examine_configuration(const Config& config, std::span<const HandlerSpec> handlers,
                           Findings& findings) {
  findings.ok("configuration", config.file);
  for (const auto& consumer : config.consumers)
    examine_consumer(consumer, config, handlers, findings);
  if (config.email)
    findings.attempt("email", "kinbox config check", [&] { require_usable(*config.email); });
  findings.attempt("kafka settings", "kinbox config check", [&] {
    for (const auto& note : advice(config, make_settings(config)))
      findings.warn("advice", note, "kinbox config show");
  });
}

}  // namespace kinbox::cli
