#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "kinbox/observe/log.hpp"

namespace kinbox::cli {

/// Ends the process when its own end takes too long: a library's close or destructor that never
/// returns must not keep a process that was told to stop.
///
/// Make it first, so that it goes last. Any thread may call.
class LastResort {
 public:
  /// How long after the drain timeout the process ends at the latest.
  static constexpr std::chrono::milliseconds kGrace{10'000};

  explicit LastResort(observe::Log& log);
  LastResort(const LastResort&) = delete;
  LastResort& operator=(const LastResort&) = delete;

  /// From now on the process has until `deadline`; the first call counts.
  void end_by(std::chrono::steady_clock::time_point deadline);
  /// What it is busy with, for the log line: "what hung".
  void now(std::string doing);

 private:
  void watch(const std::stop_token& stop);

  observe::Log& log_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<std::chrono::steady_clock::time_point> deadline_;
  std::string doing_ = "consuming";
  std::jthread thread_;
};

}  // namespace kinbox::cli
