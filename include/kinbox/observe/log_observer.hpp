#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "kinbox/observe/log.hpp"
#include "kinbox/observer.hpp"

namespace kinbox::observe {

/// Writes one consumer's notices to a log: coordinates, event id, what happened, the way out; never
/// a payload.
///
/// Commits are summed up into a line every ten seconds (each of them is a debug line), and what
/// repeats is limited per cause, with the number of lines held back. Thread-safe: shared by a
/// consumer's workers.
class LogObserver : public Observer {
 public:
  using Clock = std::function<std::chrono::steady_clock::time_point()>;

  /// `log` must outlive it.
  LogObserver(Log& log, std::string consumer, Clock clock = std::chrono::steady_clock::now);
  /// Says the rest.
  ~LogObserver() override;

  void on_notice(const Notice& notice) override;

  /// Says what was summed up, if its ten seconds are over. Call it each second or so: after the
  /// last record of a burst no notice comes that would.
  void tick();
  /// The same, whether they are over or not.
  void say_rest();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kinbox::observe
