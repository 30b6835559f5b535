#pragma once

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "cli/config/config.hpp"
#include "cli/retention/topic_retention.hpp"
#include "kinbox/database.hpp"
#include "kinbox/observe/log.hpp"

namespace kinbox::cli {

/// Prunes while consumers run, every `retention.every`, in one process at a time: on a thread and a
/// connection of its own. What would be refused (a window that is too short and not confirmed, a
/// replay that has not ended) is left alone and tried the next time.
class ScheduledPruning {
 public:
  ScheduledPruning(const RetentionConfig& retention, std::vector<ConsumerConfig> consumers,
                   DatabaseFactory databases, AskTopic ask, observe::Log& log);
  ScheduledPruning(const ScheduledPruning&) = delete;
  ScheduledPruning& operator=(const ScheduledPruning&) = delete;

  /// From then on it works, until this goes.
  void start();
  /// Does not wait for the end: a transaction may be under way.
  void request_stop() noexcept { thread_.request_stop(); }

  /// What is due now and nobody else is at. Throws InfrastructureError when the database is away.
  void run_once(const std::stop_token& stop);

 private:
  void run(const std::stop_token& stop);
  bool acquire(const std::string& scope);
  void release(const std::string& scope);
  void prune(const std::string& scope, const std::stop_token& stop);
  /// The windows of the scope, without those that are too short.
  RetentionWindows usable(const std::string& scope);

  const RetentionConfig retention_;
  const std::vector<ConsumerConfig> consumers_;
  const DatabaseFactory databases_;
  const AskTopic ask_;
  observe::Log& log_;
  const std::string token_;
  std::unique_ptr<Database> database_;
  std::mutex mutex_;
  std::condition_variable_any resting_;
  std::jthread thread_;
};

}  // namespace kinbox::cli
