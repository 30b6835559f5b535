#include "cli/replay/replay_run.hpp"

#include <unistd.h>

#include <random>

#include "cli/config/find_consumer.hpp"
#include "cli/config/kafka_settings.hpp"
#include "cli/consumer_spec.hpp"
#include "cli/database.hpp"
#include "cli/output/joined.hpp"
#include "cli/replay/pace.hpp"
#include "cli/replay/progress_line.hpp"
#include "cli/replay/same_logs.hpp"
#include "cli/run/stop_signals.hpp"
#include "core/own_statements.hpp"
#include "core/replay/replay_plan.hpp"
#include "core/replay/replay_rows.hpp"
#include "kinbox/kafka/log_reader.hpp"
#include "kinbox/observe/printable.hpp"

namespace kinbox::cli {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kPortion = 2'000;

/// Who runs a replay wants to hear what goes wrong, and no more.
class Complaints : public Observer {
 public:
  explicit Complaints(std::ostream& err) : err_(err) {}
  void on_notice(const Notice& notice) override {
    const auto* const dead = std::get_if<notice::DeadLettered>(&notice);
    if (dead == nullptr || ++dead_ > kShown) return;
    err_ << "dead letter: " << observe::printable(dead->event_id) << ": "
         << observe::printable(dead->failure.error_text) << '\n';
    if (dead_ == kShown) err_ << "(further ones are not shown; see `dlq groups`)\n";
  }

 private:
  static constexpr int kShown = 5;
  std::ostream& err_;
  int dead_ = 0;
};

ReplayRow row_of(Database& database, std::int64_t replay) {
  std::optional<ReplayRow> row;
  own_transaction(database, "replay",
                  [&](OpenTransaction& tx) { row = ReplayRows(tx.dialect()).find(tx, replay); });
  if (!row) throw RefusedError("there is no replay " + std::to_string(replay));
  return *row;
}

class ReplayRun {
 public:
  ReplayRun(const Invocation& invocation, const Config& config, std::int64_t replay,
            const ReplayPace& pace)
      : io_(invocation.io),
        replay_(replay),
        complaints_(invocation.io.err),
        database_(make_database_factory(config, Missing::kRefuse)),
        row_(row_of(*database_(), replay)),
        consumer_(find_consumer(config, row_.consumer)),
        options_(make_worker_options(consumer_, config)),
        reader_(make_settings(config)),
        replayer_({.consumer = make_spec(consumer_, config, invocation.handlers),
                   .options = options_.dispatch,
                   .database = database_(),
                   .observer = complaints_,
                   .wait = [this](milliseconds time) { wait(time); }}),
        pace_(pace.rate, Clock::now()),
        line_(invocation.io.err, isatty(STDERR_FILENO) != 0) {}

  /// Whatever ends it, but the end of the process, is in order.
  ExitCode run() {
    try {
      const auto code = run_to_end();
      leave();
      return code;
    } catch (...) {
      leave();
      throw;
    }
  }

 private:
  void leave() {
    try {
      replayer_.leave();
    } catch (const InfrastructureError&) {
      // Then whoever takes it up begins with one record at a time.
    }
  }

  ExitCode run_to_end() {
    begin();
    while (!stopped_) {
      auto records = reader_.next(pace_.portion(kPortion));
      if (records.empty()) break;
      if (persist([&] { return replayer_.apply(records); }) == Replayer::Outcome::kStopped)
        return stopped();
      const auto next = pace_.next(records.size(), Clock::now());
      if (next > Clock::now()) wait(std::chrono::ceil<milliseconds>(next - Clock::now()));
      line_.show(position(), Clock::now());
    }
    if (stopped_) return interrupted();
    if (persist([&] { return replayer_.finish(); }) == Replayer::Outcome::kStopped)
      return stopped();
    line_.end(position(), Clock::now());
    return position().dead > 0 ? ExitCode::kNotClean : ExitCode::kOk;
  }

  /// What was committed belongs to the logs of the plan; so does what comes.
  void require_same_logs() {
    const auto others = differences(read_recorded_plan(row_.plan).plan, reader_).others;
    if (others.empty()) return;
    const auto id = std::to_string(replay_);
    throw RefusedError("replay " + id + " cannot go on: " + joined(others) +
                       "; `kinbox replay cancel " + id + "` gives it up");
  }

  void begin() {
    require_same_logs();
    std::vector<kafka::LogSlice> slices;
    bool suspect = false;
    for (const auto& partition : persist([&] { return replayer_.take(replay_); })) {
      slices.push_back({partition.partition, partition.next, partition.end});
      suspect = suspect || partition.suspect;
    }
    if (suspect)
      io_.err << "whoever had replay " << replay_
              << " last did not leave in order: one record at a time at first\n";
    line_.show(position(), Clock::now());
    reader_.start(slices);
  }

  ReplayPosition position() const { return ReplayPosition(replayer_.progress()); }

  void wait(milliseconds time) { stopped_ = signals_.wait(time) || stopped_; }

  /// While the database is away the replay waits for it, as a worker does.
  template <typename Call>
  auto persist(Call call) -> decltype(call()) {
    for (int failures = 1;; ++failures) {
      try {
        auto answer = call();
        stopped_ = signals_.wait(milliseconds{0}) || stopped_;
        return answer;
      } catch (const InfrastructureError& e) {
        const auto delay = backoff(options_.infrastructure, failures, uniform_(random_));
        io_.err << "the database does not take it: " << observe::printable(e.what())
                << "; tried again\n";
        wait(delay);
        if (stopped_) throw;
      }
    }
  }

  ExitCode stopped() {
    line_.end(position(), Clock::now());
    io_.err << "replay " << replay_ << " stopped: " << observe::printable(replayer_.why()) << '\n';
    return ExitCode::kNotClean;
  }

  ExitCode interrupted() {
    line_.end(position(), Clock::now());
    io_.err << "interrupted; `kinbox replay resume " << replay_
            << "` goes on behind the last commit, `kinbox replay cancel " << replay_
            << "` gives it up\n";
    return ExitCode::kNotClean;
  }

  Io io_;
  std::int64_t replay_;
  StopSignals signals_;
  Complaints complaints_;
  DatabaseFactory database_;
  ReplayRow row_;
  const ConsumerConfig& consumer_;
  WorkerOptions options_;
  kafka::LogReader reader_;
  Replayer replayer_;
  Pace pace_;
  ProgressLine line_;
  bool stopped_ = false;
  std::mt19937_64 random_{std::random_device{}()};
  std::uniform_real_distribution<double> uniform_{0.0, 1.0};
};

}  // namespace

ExitCode run_replay(const Invocation& invocation, const Config& config, std::int64_t replay,
                    const ReplayPace& pace) {
  return ReplayRun(invocation, config, replay, pace).run();
}

}  // namespace kinbox::cli
