#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "cli/config/config.hpp"
#include "kinbox/handler_clock.hpp"
#include "kinbox/observe/log.hpp"

namespace kinbox::cli {

/// Ends the process when a handler does not come back: a loop without an end, a lock that nobody
/// gives back. Its partition would stand still for ever, unnoticed, and so would those of the same
/// worker. Whoever starts the process again takes them, and the crash ledger finds the record.
///
/// Lives longer than the workers.
class Watchdog {
 public:
  explicit Watchdog(observe::Log& log) : log_(log) {}
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  /// For one worker of `consumer`. `grace`: how long after its time a handler counts as one that
  /// does not come back; nullopt: derived from that time; none: never. Before `start`.
  HandlerClock& clock(const std::string& consumer, const std::optional<Bound>& grace);

  void start();

 private:
  struct Watched {
    Watched(std::string name, HandlerClock::Watch how, std::chrono::milliseconds grace)
        : consumer(std::move(name)), clock(how, grace) {}
    std::string consumer;
    HandlerClock clock;
  };

  void watch(const std::stop_token& stop);
  [[noreturn]] void end_process(const std::string& consumer, const HandlerClock::Hung& hung);

  observe::Log& log_;
  /// Neither is moved.
  std::deque<Watched> watched_;
  std::mutex mutex_;
  std::condition_variable_any stopped_;
  std::jthread thread_;
};

}  // namespace kinbox::cli
