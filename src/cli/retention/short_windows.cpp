#include "cli/retention/short_windows.hpp"

#include <algorithm>
#include <set>

#include "cli/config/units.hpp"
#include "core/own_statements.hpp"

namespace kinbox::cli {
namespace {

constexpr std::string_view kTopics =
    "SELECT DISTINCT topic FROM {kinbox}.consumer_progress WHERE consumer = $1";

std::set<std::string> topics_of(const ConsumerConfig& consumer, Database& database) {
  std::set<std::string> topics(consumer.topics.begin(), consumer.topics.end());
  own_transaction(database, "prune", [&](OpenTransaction& tx) {
    for (const auto row : tx.query(tx.dialect().render(kTopics), consumer.name))
      topics.insert(row.get<std::string>(0));
  });
  return topics;
}

std::string what_it_means(const GuardingWindow& window) {
  const auto then = to_text(window.window);
  return window.name == "mail"
             ? ". An event that is run again after " + then + " sends its mail again"
             : ". A record that is read again after " + then +
                   " (a position set back, a replay of unknown events) runs again";
}

}  // namespace

std::vector<GuardingWindow> guarding_windows(const RetentionConfig& retention,
                                             std::span<const ConsumerConfig> consumers,
                                             Database& database) {
  std::vector<GuardingWindow> windows;
  std::set<std::string> all;
  for (const auto& consumer : consumers) {
    const auto topics = topics_of(consumer, database);
    all.insert(topics.begin(), topics.end());
    if (retention.windows.inbox)
      windows.push_back({consumer.name,
                         "retention.inbox",
                         *retention.windows.inbox,
                         {topics.begin(), topics.end()}});
  }
  if (retention.windows.mail)
    windows.push_back(
        {"mail", "retention.mail", *retention.windows.mail, {all.begin(), all.end()}});
  return windows;
}

std::optional<ShortWindow> short_window(const GuardingWindow& window, const std::string& topic,
                                        const TopicRetention& retention,
                                        const std::optional<std::chrono::milliseconds>& margin) {
  const auto who = window.name == "mail" ? window.name : "consumer " + window.name;
  const auto is = window.setting + " is " + to_text(window.window);
  const auto no_window_is_enough =
      is + what_it_means(window) + "; no window is long enough, only none";
  if (retention.compacted)
    return ShortWindow{window.name, who + ": topic " + topic +
                                        " is compacted, the last record of each key stays for "
                                        "ever, and " +
                                        no_window_is_enough};
  if (!retention.time)
    return ShortWindow{window.name, who + ": topic " + topic +
                                        " keeps its records for ever (retention.ms=-1), and " +
                                        no_window_is_enough};
  const auto needed = *retention.time + margin.value_or(retention.segment);
  if (window.window >= needed) return std::nullopt;
  return ShortWindow{
      window.name,
      who + ": topic " + topic + " may keep its records for " + to_text(needed) +
          " (retention.ms " + to_text(*retention.time) + ", and " +
          (margin
               ? "retention.margin " + to_text(*margin)
               : "segment.ms " + to_text(retention.segment) + ", as Kafka deletes whole segments") +
          "), and " + is + what_it_means(window) + "; set " + window.setting + " to that or more"};
}

std::vector<ShortWindow> short_windows(std::span<const GuardingWindow> windows,
                                       const std::optional<std::chrono::milliseconds>& margin,
                                       std::span<const std::string> confirmed,
                                       const AskTopic& ask) {
  std::vector<ShortWindow> found;
  for (const auto& window : windows) {
    if (std::count(confirmed.begin(), confirmed.end(), window.name) > 0) continue;
    for (const auto& topic : window.topics) {
      const auto retention = ask(topic);
      if (!retention) continue;
      if (auto one = short_window(window, topic, *retention, margin))
        found.push_back(std::move(*one));
    }
  }
  return found;
}

}  // namespace kinbox::cli
