#pragma once

#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "kinbox/worker.hpp"

namespace kinbox::cli {

/// Workers, each on a thread of its own, and how they ended.
class WorkerThreads {
 public:
  struct Ended {
    std::string consumer;
    WorkerResult result;
    /// What the worker threw; null if it came to its end.
    std::exception_ptr error;
  };

  WorkerThreads();
  /// Stops and waits for those that still run.
  ~WorkerThreads();
  WorkerThreads(const WorkerThreads&) = delete;
  WorkerThreads& operator=(const WorkerThreads&) = delete;

  /// Before `start`.
  void add(std::string consumer, std::unique_ptr<Worker> worker);
  void start(const Worker::Until& until, std::chrono::milliseconds drain);
  void stop() noexcept;

  /// Becomes readable when a worker ends; `take_ended` makes it unreadable again.
  int ended_fd() const noexcept { return ended_fd_; }
  /// Those that ended since the last call.
  std::vector<Ended> take_ended();
  /// Workers whose end was not taken yet.
  std::size_t running() const noexcept { return running_; }

 private:
  struct Member {
    std::string consumer;
    std::unique_ptr<Worker> worker;
  };
  void run(Member& member, const Worker::Until& until, std::chrono::milliseconds drain);

  std::vector<Member> members_;
  std::vector<std::jthread> threads_;
  std::mutex mutex_;
  std::vector<Ended> ended_;
  int ended_fd_ = -1;
  std::size_t running_ = 0;
};

}  // namespace kinbox::cli
