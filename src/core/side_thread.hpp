#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

namespace kinbox {

/// Does work in a thread of its own, piece after piece, in the given order.
///
/// What a piece throws comes out of the next call, and of each one after it; later pieces are
/// dropped. Used from one thread.
template <typename Piece>
class SideThread {
 public:
  /// Up to `most_waiting` pieces wait, beside the one that is being done.
  SideThread(std::size_t most_waiting, std::function<void(Piece)> work)
      : most_waiting_(most_waiting),
        work_(std::move(work)),
        thread_([this](const std::stop_token& stop) { run(stop); }) {}

  /// Waits while too many pieces wait.
  void add(Piece piece) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return failure_ || waiting_.size() < most_waiting_; });
    if (failure_) std::rethrow_exception(failure_);
    waiting_.push_back(std::move(piece));
    changed_.notify_all();
  }

  /// Waits until all of them are done.
  void finish() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return failure_ || (waiting_.empty() && !busy_); });
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  void run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (changed_.wait(lock, stop, [&] { return !waiting_.empty(); }) && !stop.stop_requested()) {
      Piece piece = std::move(waiting_.front());
      waiting_.pop_front();
      busy_ = true;
      lock.unlock();
      std::exception_ptr failure;
      try {
        work_(std::move(piece));
      } catch (...) {
        failure = std::current_exception();
      }
      lock.lock();
      busy_ = false;
      failure_ = failure;
      changed_.notify_all();
      if (failure) return;
    }
  }

  const std::size_t most_waiting_;
  const std::function<void(Piece)> work_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Piece> waiting_;
  bool busy_ = false;
  std::exception_ptr failure_;
  /// The last member: it ends before what it uses does.
  std::jthread thread_;
};

}  // namespace kinbox
