#include "kinbox/email/sender.hpp"

#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "email/sender_thread.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::email {
namespace {

void require(bool holds, const std::string& otherwise) {
  if (!holds) throw ConfigurationError("e-mail sender: " + otherwise);
}

SenderOptions checked(SenderOptions options) {
  require(is_usable_address(options.from.address), "\"from\" must be an e-mail address");
  require(!options.reply_to || is_usable_address(options.reply_to->address),
          "\"reply_to\" must be an e-mail address");
  require(options.threads >= 1, "at least one thread must send");
  require(options.rate >= 0, "the rate must not be negative");
  require(options.delivery_timeout.count() > 0, "the delivery timeout must not be zero");
  require(options.retry.max_attempts >= 1, "max_attempts must be 1 or more");
  return options;
}

}  // namespace

class EmailSender::Impl {
 public:
  Impl(const DatabaseFactory& databases, const TransportFactory& transports, Templates templates,
       SenderOptions options, Observer& observer)
      : common_(std::move(templates), checked(std::move(options)), observer) {
    for (int i = 0; i < common_.options.threads; ++i)
      threads_.push_back(std::make_unique<SenderThread>(common_, databases(), transports()));
  }

  std::size_t run_once() {
    std::size_t settled = 0;
    while (common_.pace.paused_until() <= Pace::Clock::now()) {
      const auto turn = threads_.front()->send_one({});
      if (turn == SenderThread::Turn::kNothing) break;
      if (turn == SenderThread::Turn::kSettled) ++settled;
    }
    return settled;
  }

  void run(const std::stop_token& stop) {
    common_.presence.arrive();
    std::stop_source all;
    const std::stop_callback forward(stop, [&] { all.request_stop(); });
    std::mutex mutex;
    std::exception_ptr fault;
    {
      std::vector<std::jthread> running;
      for (auto& thread : threads_)
        running.emplace_back([&, thread = thread.get()] {
          try {
            thread->run(all.get_token());
          } catch (...) {
            const std::lock_guard lock(mutex);
            if (!fault) fault = std::current_exception();
            all.request_stop();
          }
        });
    }
    threads_.front()->say_goodbye();
    if (fault) std::rethrow_exception(fault);
  }

  void wake() noexcept {
    for (auto& thread : threads_) thread->wake();
  }

 private:
  SenderCommon common_;
  std::vector<std::unique_ptr<SenderThread>> threads_;
};

EmailSender::EmailSender(DatabaseFactory databases, TransportFactory transports,
                         Templates templates, SenderOptions options, Observer& observer)
    : impl_(std::make_unique<Impl>(databases, transports, std::move(templates), std::move(options),
                                   observer)) {}
EmailSender::~EmailSender() = default;

std::size_t EmailSender::run_once() { return impl_->run_once(); }
void EmailSender::run(std::stop_token stop) { impl_->run(stop); }
void EmailSender::wake() noexcept { impl_->wake(); }

}  // namespace kinbox::email
