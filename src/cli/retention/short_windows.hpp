#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/config/config.hpp"
#include "cli/retention/topic_retention.hpp"
#include "kinbox/database.hpp"

namespace kinbox::cli {

/// What keeps events of some topics from having their effect twice, while it lasts.
struct GuardingWindow {
  /// A consumer, or "mail": as it is confirmed.
  std::string name;
  /// "retention.inbox"
  std::string setting;
  std::chrono::milliseconds window;
  std::vector<std::string> topics;
};

/// Those of the configuration: the inbox of each of `consumers` with its topics, also ones that it
/// no longer consumes; the mails with all of them.
std::vector<GuardingWindow> guarding_windows(const RetentionConfig& retention,
                                             std::span<const ConsumerConfig> consumers,
                                             Database& database);

/// A window that is shorter than a topic keeps its records.
struct ShortWindow {
  std::string name;
  /// What that means, and which window would be long enough.
  std::string text;
};

/// nullopt if the window is long enough. `margin`: see RetentionConfig.
std::optional<ShortWindow> short_window(const GuardingWindow& window, const std::string& topic,
                                        const TopicRetention& retention,
                                        const std::optional<std::chrono::milliseconds>& margin);

/// All of them, but for what is `confirmed`; of that nobody is asked.
std::vector<ShortWindow> short_windows(std::span<const GuardingWindow> windows,
                                       const std::optional<std::chrono::milliseconds>& margin,
                                       std::span<const std::string> confirmed, const AskTopic& ask);

}  // namespace kinbox::cli
