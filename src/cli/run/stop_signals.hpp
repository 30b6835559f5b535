#pragma once

#include <chrono>

namespace kinbox::cli {

/// SIGINT and SIGTERM as something to wait for, instead of something that interrupts.
///
/// Make it before the process starts a thread: threads inherit that the two signals are blocked.
/// From then on to its end they do nothing but make `wait` return.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// Waits until a signal comes, `other_fd` becomes readable (-1: none), or `timeout`. Returns
  /// whether it was a signal, and takes that one.
  bool wait(std::chrono::milliseconds timeout, int other_fd = -1);

 private:
  int fd_ = -1;
};

}  // namespace kinbox::cli
