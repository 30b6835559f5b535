#include "cli/run/relay_thread.hpp"

namespace kinbox::cli {

RelayThread::RelayThread(std::unique_ptr<OutboxRelay> relay)
    : relay_(std::move(relay)), thread_([this](const std::stop_token& stop) {
        relay_->run(stop);
        ended_.set_value();
      }) {}

bool RelayThread::stop_by(TimePoint deadline) {
  thread_.request_stop();
  return end_.wait_until(deadline) == std::future_status::ready;
}

void RelayThread::send_rest(TimePoint deadline) {
  while (std::chrono::steady_clock::now() < deadline && relay_->run_once() > 0) continue;
  relay_->release();
}

}  // namespace kinbox::cli
