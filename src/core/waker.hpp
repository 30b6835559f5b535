#pragma once

#include <chrono>

namespace kinbox {

/// Ends a wait of another thread, also one that begins later: an eventfd, so that it can be waited
/// for beside a socket. All but the destructor from any thread.
class Waker {
 public:
  Waker();
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;
  ~Waker();

  void wake() noexcept;
  /// Readable from `wake` to `rest`.
  int fd() const noexcept { return fd_; }
  /// Whether anybody called `wake` since the last `rest`.
  bool rest() noexcept;

 private:
  int fd_;
};

}  // namespace kinbox
