#pragma once

#include <mutex>
#include <optional>

#include "kinbox/observer.hpp"

namespace kinbox::cli {

/// Where the demo's consumer finds its end of the socket.
inline constexpr int kGateFd = 3;

/// A step as it travels.
char to_byte(Step step);
std::optional<Step> step_from(char byte);

/// The parent's answers to a step.
inline constexpr char kGo = 'g';
/// Do not ask any more.
inline constexpr char kRunFree = 'f';

/// Ends this process when its parent ends, or has ended already: nobody would be left to stop it.
/// `fd` is its end of the socket.
void die_with_parent(int fd);

/// The demo's consumer stops at each step of a batch until its parent lets it go on: that is where
/// the parent kills it. The parent may as well not answer for ever.
///
/// Ends the process when the parent is gone. Thread-safe: workers ask one after another.
class StepGate : public Observer {
 public:
  /// `fd` is one end of a stream socket, owned by the caller.
  explicit StepGate(int fd) : fd_(fd) {}

  void on_step(Step step) override;

 private:
  int fd_;
  std::mutex mutex_;
  bool free_ = false;
};

}  // namespace kinbox::cli
