#include "cli/status/log_ends.hpp"

#include <algorithm>

#include "kinbox/errors.hpp"
#include "kinbox/kafka/source.hpp"

namespace kinbox::cli {
namespace {

using Clock = std::chrono::steady_clock;

void ask(Source& source, std::span<const TopicPartition> partitions, Clock::time_point deadline,
         LogEnds& answer) {
  for (const auto& partition : partitions) {
    if (Clock::now() >= deadline) {
      if (answer.missing.empty()) answer.missing = "no time left to ask for the others";
      return;
    }
    try {
      answer.ends[partition] = source.log_range(partition).end;
    } catch (const InfrastructureError& e) {
      if (answer.missing.empty()) answer.missing = e.what();
    }
  }
}

}  // namespace

LogEnds ask_log_ends(const kafka::Settings& settings, std::span<const TopicPartition> partitions,
                     std::chrono::milliseconds patience) {
  LogEnds answer;
  if (partitions.empty()) return answer;
  // What the client library has to say repeats what the questions meet.
  Observer silent;
  const auto deadline = Clock::now() + patience;
  const auto source = kafka::make_source({.settings = settings,
                                          .group = "kinbox-status",
                                          .topics = {},
                                          .ask_timeout = patience,
                                          .last_tell_timeout = std::chrono::milliseconds{0}},
                                         silent);
  ask(*source, partitions, deadline, answer);
  source->close(std::max(deadline, Clock::now() + std::chrono::milliseconds{200}));
  return answer;
}

}  // namespace kinbox::cli
