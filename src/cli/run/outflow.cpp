#include "cli/run/outflow.hpp"

namespace kinbox::cli {

void Outflow::start(std::unique_ptr<OutboxRelay> relay) {
  relay_ = std::move(relay);
  loops_.push_back(std::make_unique<Loop>([this](const auto& stop) { relay_->run(stop); }));
}

void Outflow::start(std::unique_ptr<email::EmailSender> sender) {
  sender_ = std::move(sender);
  loops_.push_back(std::make_unique<Loop>([this](const auto& stop) { send_mails(stop); }));
}

void Outflow::send_mails(const std::stop_token& stop) {
  try {
    sender_->run(stop);
  } catch (const std::exception& e) {
    // A fault of ours; consumers need not stand for it, mails wait in their table.
    log_.error("mail_ended",
               std::string("this process sends no more mails; start it again: ") + e.what());
  }
}

void Outflow::on_notice(const Notice& notice) {
  if (!std::holds_alternative<notice::Emitted>(notice)) return;
  if (relay_) relay_->wake();
  if (sender_) sender_->wake();
}

bool Outflow::stop_by(TimePoint deadline) {
  for (auto& loop : loops_) loop->request_stop();
  for (const auto& loop : loops_)
    if (!loop->has_ended_by(deadline)) return false;
  return true;
}

void Outflow::send_rest(TimePoint deadline) {
  const auto now = [] { return std::chrono::steady_clock::now(); };
  if (relay_) {
    while (now() < deadline && relay_->run_once() > 0) continue;
    relay_->release();
  }
  if (sender_ && now() < deadline) sender_->run_once();
}

}  // namespace kinbox::cli
