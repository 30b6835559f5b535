#include "cli/run/worker_threads.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

namespace kinbox::cli {

WorkerThreads::WorkerThreads() : ended_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (ended_fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

WorkerThreads::~WorkerThreads() {
  stop();
  threads_.clear();
  close(ended_fd_);
}

void WorkerThreads::add(std::string consumer, std::unique_ptr<Worker> worker) {
  members_.push_back({std::move(consumer), std::move(worker)});
}

void WorkerThreads::start(const Worker::Until& until, std::chrono::milliseconds drain) {
  running_ = members_.size();
  for (auto& member : members_)
    threads_.emplace_back([this, &member, until, drain] { run(member, until, drain); });
}

void WorkerThreads::run(Member& member, const Worker::Until& until,
                        std::chrono::milliseconds drain) {
  Ended ended{member.consumer, {}, nullptr};
  try {
    ended.result = member.worker->run(until, drain);
  } catch (...) {
    ended.error = std::current_exception();
  }
  {
    const std::lock_guard lock(mutex_);
    ended_.push_back(std::move(ended));
  }
  eventfd_write(ended_fd_, 1);
}

void WorkerThreads::stop() noexcept {
  for (auto& member : members_) member.worker->stop();
}

std::vector<WorkerThreads::Ended> WorkerThreads::take_ended() {
  std::uint64_t count = 0;
  eventfd_read(ended_fd_, &count);
  const std::lock_guard lock(mutex_);
  running_ -= ended_.size();
  return std::exchange(ended_, {});
}

}  // namespace kinbox::cli
