#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <thread>

#include "kinbox/outbox_relay.hpp"

namespace kinbox::cli {

/// The outbox relay on a thread of its own, from construction on.
class RelayThread {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  explicit RelayThread(std::unique_ptr<OutboxRelay> relay);
  /// Waits for the round under way: call `stop_by` first.
  ~RelayThread() = default;

  /// Ends the thread after the round under way. False when it still waits for a broker at
  /// `deadline`: nothing is lost by ending the process then, its rows wait in the outbox.
  bool stop_by(TimePoint deadline);

  /// After `stop_by`: sends what is still pending, until nothing moves or `deadline`. Throws
  /// InfrastructureError when the database is away.
  void send_rest(TimePoint deadline);

 private:
  std::unique_ptr<OutboxRelay> relay_;
  std::promise<void> ended_;
  std::future<void> end_ = ended_.get_future();
  std::jthread thread_;
};

}  // namespace kinbox::cli
