#include "cli/run/watchdog.hpp"

#include <signal.h>
#include <unistd.h>

#include "cli/config/units.hpp"
#include "cli/exit_code.hpp"
#include "core/coordinates_text.hpp"

namespace kinbox::cli {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kBetweenLooks{250};

/// For the last line: whoever reads it may have stopped reading.
constexpr unsigned kSecondsToSpeak = 5;

observe::LogLine line_about(const HandlerClock::Hung& hung) {
  const auto& event = *hung.run.event;
  const auto& record = event.record();
  const auto handler = std::string(hung.run.handler);
  observe::LogLine line{observe::LogLevel::kError, "handler_hung",
                        coordinates_text(record.topic_partition(), record.offset()) + " event " +
                            event.id() + ": handler " + handler + " has not come back for " +
                            to_text(hung.limit + hung.grace) + " (handler_timeout " +
                            to_text(hung.limit) + ", handler_grace " + to_text(hung.grace) +
                            "): ending the process now; what is under way is rolled back"};
  line.fields = {{"topic", std::string(record.topic())},
                 {"partition", std::int64_t{record.partition()}},
                 {"offset", record.offset()},
                 {"event_id", event.id()},
                 {"handler", handler}};
  return line;
}

}  // namespace

HandlerClock& Watchdog::clock(const std::string& consumer, const std::optional<Bound>& grace) {
  using Watch = HandlerClock::Watch;
  if (!grace) return watched_.emplace_back(consumer, Watch::kDerived, milliseconds{0}).clock;
  const auto how = *grace ? Watch::kGiven : Watch::kOff;
  return watched_.emplace_back(consumer, how, grace->value_or(milliseconds{0})).clock;
}

void Watchdog::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
}

void Watchdog::watch(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    for (auto& [consumer, clock] : watched_)
      if (const auto hung = clock.seize_if_hung()) end_process(consumer, *hung);
    stopped_.wait_for(lock, stop, kBetweenLooks, [] { return false; });
  }
}

void Watchdog::end_process(const std::string& consumer, const HandlerClock::Hung& hung) {
  signal(SIGALRM, SIG_DFL);
  alarm(kSecondsToSpeak);
  log_.write(consumer, line_about(hung));
  _exit(static_cast<int>(ExitCode::kFailed));
}

}  // namespace kinbox::cli
