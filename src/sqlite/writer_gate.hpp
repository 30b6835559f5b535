#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>

namespace kinbox::sqlite {

/// Lets one writer of one file through at a time, in order of arrival.
///
/// SQLite itself lets waiters poll with growing pauses: under load a waiter can lose for ever to a
/// connection that begins again at once. Thread-safe.
class WriterGate : public std::enable_shared_from_this<WriterGate> {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  /// The gate that all connections of this process to `canonical_path` share.
  static std::shared_ptr<WriterGate> of(const std::string& canonical_path);

  /// The turn; given back when it is destroyed.
  class Turn {
   public:
    Turn() = default;
    explicit Turn(std::shared_ptr<WriterGate> gate) : gate_(std::move(gate)) {}
    Turn(Turn&& other) noexcept = default;
    Turn& operator=(Turn&& other) noexcept;
    ~Turn() { give_back(); }

    explicit operator bool() const noexcept { return gate_ != nullptr; }
    void give_back() noexcept;

   private:
    std::shared_ptr<WriterGate> gate_;
  };

  /// Waits for the turn; an empty one when it did not come before `deadline`.
  Turn enter(Deadline deadline);

  /// How many are in the queue now.
  std::size_t waiting() const;

 private:
  struct Waiter {
    std::condition_variable called;
    bool has_turn = false;
  };

  void leave() noexcept;

  mutable std::mutex mutex_;
  bool taken_ = false;
  std::list<Waiter> waiting_;
};

}  // namespace kinbox::sqlite
