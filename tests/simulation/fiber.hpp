#pragma once

#include <cstddef>
#include <functional>
#include <semaphore>
#include <thread>

namespace kinbox::simulation {

/// Keeps the calling thread, and those it starts from now on, on one of the processors it may use,
/// the same for equal numbers. Fibers take turns, and handing over to another processor costs many
/// times the work in between on a machine that is busy.
void stay_on_one_processor(std::size_t number);

/// A thread that runs only while its owner waits for it: several of them and their owner behave
/// like one thread that decides who goes on.
class Fiber {
 public:
  /// `body` starts at the first resume, and must not throw.
  explicit Fiber(std::function<void()> body);
  /// The body must be over.
  ~Fiber();

  /// Owner: lets the body run to its next pause, or to its end.
  void resume();
  /// Body: lets the owner go on.
  void pause();
  bool over() const noexcept { return over_; }

 private:
  std::binary_semaphore bodys_turn_{0};
  std::binary_semaphore owners_turn_{0};
  bool over_ = false;
  std::thread thread_;
};

}  // namespace kinbox::simulation
