#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "kinbox/email/sender.hpp"
#include "kinbox/observe/log.hpp"
#include "kinbox/observer.hpp"
#include "kinbox/outbox_relay.hpp"

namespace kinbox::cli {

/// What leaves the database while consumers run: the outbox relay and the e-mail sender, each on a
/// thread of its own. As an observer it wakes them when one of this process's consumers has
/// emitted.
class Outflow : public Observer {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  explicit Outflow(observe::Log& log) : log_(log) {}

  // From then on it works. Before anybody speaks through this.
  void start(std::unique_ptr<OutboxRelay> relay);
  void start(std::unique_ptr<email::EmailSender> sender);

  void on_notice(const Notice& notice) override;

  /// Ends the threads after what they have under way. False when one of them still waits for its
  /// server at `deadline`: nothing is lost by ending the process then, its rows wait in the
  /// database.
  bool stop_by(TimePoint deadline);

  /// After `stop_by`: sends what is still pending, until nothing moves or `deadline`. Throws
  /// InfrastructureError when the database is away.
  void send_rest(TimePoint deadline);

 private:
  class Loop {
   public:
    template <typename Run>
    explicit Loop(Run run)
        : thread_([this, run](const std::stop_token& stop) {
            run(stop);
            ended_.set_value();
          }) {}
    void request_stop() { thread_.request_stop(); }
    bool has_ended_by(TimePoint deadline) const {
      return end_.wait_until(deadline) == std::future_status::ready;
    }

   private:
    std::promise<void> ended_;
    std::future<void> end_ = ended_.get_future();
    std::jthread thread_;
  };

  void send_mails(const std::stop_token& stop);

  observe::Log& log_;
  std::unique_ptr<OutboxRelay> relay_;
  std::unique_ptr<email::EmailSender> sender_;
  std::vector<std::unique_ptr<Loop>> loops_;
};

}  // namespace kinbox::cli
