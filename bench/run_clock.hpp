#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>

namespace kinbox::bench {

struct RunTime {
  /// From the first record received to the last commit.
  double seconds = 0;
  /// Processor time of this process in between, all threads, without the servers'.
  double cpu_seconds = 0;
};

/// How far the workers of one run are together, and how long it took them. Any thread.
class RunClock {
 public:
  explicit RunClock(std::int64_t records) : missing_(records) {}

  /// A worker has received records. The first call starts the time.
  void received();
  /// A worker has committed that many. The call that completes the run stops the time.
  void committed(std::int64_t records);
  /// A worker cannot go on: the run is over.
  void fail(std::exception_ptr failure);

  bool over() const;
  /// Returns when the run is over. Fails it when nothing is committed for a minute.
  void wait();
  /// Throws what the run failed with. Only after it is over.
  RunTime time() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Moment {
    Clock::time_point wall{};
    double cpu = 0;
  };
  static Moment now();
  bool is_over() const { return missing_ <= 0 || failure_; }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::int64_t missing_;
  bool started_ = false;
  Moment start_;
  Moment end_;
  std::exception_ptr failure_;
};

}  // namespace kinbox::bench
