#include "kinbox/observe/log_observer.hpp"

#include <mutex>
#include <utility>

#include "core/coordinates_text.hpp"
#include "observe/commit_summary.hpp"
#include "observe/line_limiter.hpp"
#include "observe/notice_line.hpp"
#include "observe/text.hpp"

namespace kinbox::observe {
namespace {

using Limit = LineLimiter::Limit;

/// What may repeat, the key under which it repeats, and how much of it is worth reading.
struct Repeats {
  std::string key;
  Limit limit;
};

// librdkafka puts durations into its texts; without digits the same trouble has the same text.
std::string without_digits(std::string text) {
  std::erase_if(text, [](char c) { return c >= '0' && c <= '9'; });
  return text;
}

struct HowItRepeats {
  std::optional<Repeats> operator()(const notice::RetryScheduled& n) const {
    return Repeats{"retry " + partition_text(n.partition),
                   {.lines = 10, .per = std::chrono::seconds{10}}};
  }
  std::optional<Repeats> operator()(const notice::DeadLettered&) const {
    return Repeats{"dead", {.lines = 20, .per = std::chrono::seconds{10}}};
  }
  std::optional<Repeats> operator()(const notice::Parked& n) const {
    return Repeats{n.due_in ? "parked" : "parked behind",
                   {.lines = n.due_in ? 20 : 5, .per = std::chrono::seconds{10}}};
  }
  std::optional<Repeats> operator()(const notice::Skipped&) const {
    return Repeats{"skipped", {.lines = 5, .per = std::chrono::seconds{10}}};
  }
  std::optional<Repeats> operator()(const notice::BreakerOpened& n) const {
    return Repeats{"breaker " + partition_text(n.partition),
                   {.lines = 1, .per = std::chrono::seconds{30}}};
  }
  std::optional<Repeats> operator()(const notice::SeenAgain&) const {
    return Repeats{"seen again", {.lines = 5, .per = std::chrono::seconds{10}}};
  }
  std::optional<Repeats> operator()(const notice::IdConflictReported&) const {
    return Repeats{"id conflict", {.lines = 5, .per = std::chrono::seconds{10}}};
  }
  std::optional<Repeats> operator()(const notice::ReplyRefused&) const {
    return Repeats{"reply refused", {.lines = 5, .per = std::chrono::seconds{10}}};
  }
  std::optional<Repeats> operator()(const notice::ClaimMissed& n) const {
    return Repeats{"missed " + partition_text(n.partition),
                   {.lines = 3, .per = std::chrono::seconds{10}}};
  }
  std::optional<Repeats> operator()(const notice::Unclaimed& n) const {
    return Repeats{"unclaimed " + partition_text(n.partition),
                   {.lines = 1, .per = std::chrono::seconds{10}}};
  }
  std::optional<Repeats> operator()(const notice::Unavailable& n) const {
    return Repeats{"away " + without_digits(n.what), {.lines = 1, .per = std::chrono::seconds{10}}};
  }
  std::optional<Repeats> operator()(const notice::SourceMessage& n) const {
    return Repeats{"kafka " + without_digits(n.text),
                   {.lines = 1, .per = std::chrono::seconds{30}}};
  }
  std::optional<Repeats> operator()(const notice::RelayBlocked& n) const {
    return Repeats{"blocked " + n.topic, {.lines = 1, .per = std::chrono::seconds{30}}};
  }
  std::optional<Repeats> operator()(const notice::RelayRefused& n) const {
    return Repeats{"refused " + n.topic, {.lines = 3, .per = std::chrono::seconds{10}}};
  }
  std::optional<Repeats> operator()(const notice::Relayed&) const {
    return Repeats{"relayed", {.lines = 1, .per = std::chrono::seconds{10}}};
  }
  std::optional<Repeats> operator()(const notice::MailSent&) const {
    return Repeats{"mail sent", {.lines = 5, .per = std::chrono::seconds{10}}};
  }
  std::optional<Repeats> operator()(const notice::MailDeferred&) const {
    return Repeats{"mail deferred", {.lines = 5, .per = std::chrono::seconds{10}}};
  }
  std::optional<Repeats> operator()(const notice::MailFailed&) const {
    return Repeats{"mail failed", {.lines = 20, .per = std::chrono::seconds{10}}};
  }
  std::optional<Repeats> operator()(const notice::MailUnknown&) const {
    return Repeats{"mail unknown", {.lines = 20, .per = std::chrono::seconds{10}}};
  }
  std::optional<Repeats> operator()(const notice::BatchShrunk&) const {
    return Repeats{"shrunk", {.lines = 1, .per = std::chrono::seconds{10}}};
  }
  template <typename Other>
  std::optional<Repeats> operator()(const Other&) const {
    return std::nullopt;
  }
};

}  // namespace

class LogObserver::Impl {
 public:
  Impl(Log& log, std::string consumer, Clock clock)
      : log_(log), consumer_(std::move(consumer)), clock_(std::move(clock)) {}

  void notice(const Notice& notice) {
    const std::lock_guard lock(mutex_);
    if (const auto* committed = std::get_if<notice::Committed>(&notice)) summary_.add(*committed);
    write_limited(notice);
    say_progress();
  }

  void tick() {
    const std::lock_guard lock(mutex_);
    say_progress();
  }

  void say_rest() {
    const std::lock_guard lock(mutex_);
    if (const auto line = summary_.rest(clock_())) log_.write(consumer_, *line);
  }

 private:
  void write_limited(const Notice& notice) {
    auto line = to_line(notice);
    if (const auto repeats = std::visit(HowItRepeats{}, notice)) {
      const auto held_back = limiter_.admit(repeats->key, repeats->limit, clock_());
      if (!held_back) return;
      if (*held_back > 0) mention(line, *held_back);
    }
    log_.write(consumer_, line);
  }

  static void mention(LogLine& line, std::int64_t held_back) {
    line.text += " (and " + std::to_string(held_back) + " more like it since the last such line)";
    line.fields.emplace_back("held_back", held_back);
  }

  void say_progress() {
    if (const auto line = summary_.due(clock_())) log_.write(consumer_, *line);
  }

  Log& log_;
  std::string consumer_;
  Clock clock_;
  std::mutex mutex_;
  LineLimiter limiter_;
  CommitSummary summary_;
};

LogObserver::LogObserver(Log& log, std::string consumer, Clock clock)
    : impl_(std::make_unique<Impl>(log, std::move(consumer), std::move(clock))) {}

LogObserver::~LogObserver() { impl_->say_rest(); }

void LogObserver::on_notice(const Notice& notice) { impl_->notice(notice); }

void LogObserver::tick() { impl_->tick(); }

void LogObserver::say_rest() { impl_->say_rest(); }

}  // namespace kinbox::observe
