#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "kinbox/kafka/settings.hpp"
#include "kinbox/observer.hpp"
#include "kinbox/source.hpp"

namespace kinbox::kafka {

struct SourceOptions {
  Settings settings;
  std::string group;
  std::vector<std::string> topics;
  /// Longest wait for the broker's answer in told, log_range, offset_at and cluster_id.
  std::chrono::milliseconds ask_timeout{3'000};
  /// Longest wait for the last offset commit of partitions that are being taken away. The group
  /// waits as long.
  std::chrono::milliseconds last_tell_timeout{1'500};
  /// A partition that delivers nothing for that long, although its log goes on and nothing else is
  /// there to deliver, is fetched anew, and if that does not help assigned anew, each with a
  /// notice. Noticed after twice that time at most. Where the broker assigns (KIP-848), a member
  /// without any partition for that long says so once. 0: never.
  std::chrono::milliseconds stalled_after{30'000};
  /// Counts the members that share these settings, from 1: a `group.instance.id` gets "-1", "-2"
  /// ... appended, because one id is one member. 0 for the only one, whose id stays as it is.
  int member = 0;
};

/// A member of a consumer group.
///
/// Where a partition starts, and how far it is, is the caller's business alone: nothing is
/// committed on its own, and no policy moves an offset that the log no longer holds.
///
/// What the client library has to say arrives as notice::SourceMessage, on the thread that polls.
/// A source that was not closed leaves its group only when the broker misses its heartbeats.
///
/// Throws ConfigurationError for settings that do not go together or name no broker. `observer`
/// must outlive the source.
std::unique_ptr<Source> make_source(SourceOptions options, Observer& observer);

}  // namespace kinbox::kafka
