#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "support/loopback.hpp"

namespace kinbox::testing {

// Reads a pipe to its end on a thread of its own and keeps what came.
//
// Any thread.
class OutputCapture {
 public:
  explicit OutputCapture(Fd pipe);
  ~OutputCapture();

  std::string text() const;

  /// See ChildProcess::wait_for_line.
  std::optional<std::string> wait_for_line(std::string_view text,
                                           std::chrono::steady_clock::time_point deadline);

  /// False if the pipe is still open at the deadline: some process holds its other end.
  bool wait_for_end(std::chrono::steady_clock::time_point deadline) const;

 private:
  void run();
  std::optional<std::string> next_line();

  Fd pipe_;
  Fd stop_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::string text_;
  std::size_t searched_ = 0;
  bool ended_ = false;
  std::thread reader_;
};

}  // namespace kinbox::testing
