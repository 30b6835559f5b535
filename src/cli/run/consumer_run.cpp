#include "cli/run/consumer_run.hpp"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "cli/chosen_consumers.hpp"
#include "cli/config/kafka_settings.hpp"
#include "cli/consumer_spec.hpp"
#include "cli/database.hpp"
#include "cli/output/joined.hpp"
#include "cli/retention/scheduled_pruning.hpp"
#include "cli/retention/start_check.hpp"
#include "cli/run/last_resort.hpp"
#include "cli/run/mail_sender.hpp"
#include "cli/run/mention_resets.hpp"
#include "cli/run/outflow.hpp"
#include "cli/run/prepare_database.hpp"
#include "cli/run/require_topics.hpp"
#include "cli/run/stop_signals.hpp"
#include "cli/run/tee_observer.hpp"
#include "cli/run/watchdog.hpp"
#include "cli/run/worker_threads.hpp"
#include "kinbox/kafka/publisher.hpp"
#include "kinbox/kafka/source.hpp"
#include "kinbox/observe/log_observer.hpp"

namespace kinbox::cli {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kTick{1'000};

/// One consumer's voice: the log, after the witness; what sends what it emits hears it, too.
struct Voice {
  observe::LogObserver log;
  TeeObserver both;
  TeeObserver all;

  Voice(observe::Log& target, const std::string& name, Observer& witness, Observer& outflow)
      : log(target, name), both(witness, log), all(both, outflow) {}
};

class ConsumerRun {
 public:
  ConsumerRun(const Config& config, const std::vector<HandlerSpec>& handlers,
              const RunOptions& options, observe::Log& log, Observer& witness)
      : config_(config),
        handlers_(handlers),
        options_(options),
        log_(log),
        witness_(witness),
        last_resort_(log),
        watchdog_(log),
        settings_(make_settings(config)),
        consumers_(chosen_consumers(config, options.consumers)),
        databases_(make_database_factory(config, Missing::kCreate)),
        outflow_(log) {}

  ExitCode run() {
    const auto patience = options_.until_idle ? Patience::kNone : Patience::kForEver;
    // Before the database is waited for: what is wrong here, waiting does not heal.
    for (const auto& consumer : consumers_) add_workers(consumer);
    if (options_.until_idle) require_topics(settings_, consumers_);
    auto mail =
        config_.email ? make_mail_sender(*config_.email, databases_, voice("mail")) : nullptr;
    if (!prepare_database(config_, handlers_, databases_, patience, signals_, log_)) {
      begin_to_end("closing connections to Kafka");
      return ExitCode::kOk;
    }
    if (config_.retention &&
        !check_windows(*config_.retention, consumers_, databases_, settings_, patience, signals_,
                       log_)) {
      begin_to_end("closing connections to Kafka");
      return ExitCode::kOk;
    }
    mention_resets(consumers_, databases_, settings_, log_);
    start_relay();
    start_pruning();
    if (mail) outflow_.start(std::move(mail));
    watchdog_.start();
    workers_.start({.idle = options_.until_idle, .records = options_.max_messages},
                   options_.drain_timeout / 2);
    say_started();
    watch();
    return end();
  }

 private:
  Observer& voice(const std::string& name) {
    auto& voice = voices_[name];
    if (!voice) voice = std::make_unique<Voice>(log_, name, witness_, outflow_);
    return voice->all;
  }

  void add_workers(const ConsumerConfig& consumer) {
    auto& observer = voice(consumer.name);
    const auto stalled_after = consumer.stalled_after.value_or(milliseconds{0});
    for (int i = 0; i < consumer.workers; ++i) {
      auto source = kafka::make_source({.settings = settings_,
                                        .group = consumer.group,
                                        .topics = consumer.topics,
                                        .stalled_after = stalled_after,
                                        .member = consumer.workers > 1 ? i + 1 : 0},
                                       observer);
      workers_.add(consumer.name,
                   std::make_unique<Worker>(make_spec(consumer, config_, handlers_),
                                            watched_options(consumer), std::move(source),
                                            databases_(), observer));
      ++running_[consumer.name];
    }
  }

  WorkerOptions watched_options(const ConsumerConfig& consumer) {
    auto options = make_worker_options(consumer, config_);
    options.dispatch.trials = &trials_;
    options.dispatch.clock = &watchdog_.clock(consumer.name, consumer.handler_grace);
    return options;
  }

  void start_relay() {
    if (!wants_relay()) return;
    auto& observer = voice("relay");
    auto publisher = kafka::make_publisher({.settings = settings_}, observer);
    outflow_.start(std::make_unique<OutboxRelay>(databases_(), std::move(publisher),
                                                 relay_options(), observer));
  }

  /// Not in runs that end by themselves.
  void start_pruning() {
    if (!config_.retention || !config_.retention->every || options_.until_idle) return;
    pruning_ = std::make_unique<ScheduledPruning>(*config_.retention, consumers_, databases_,
                                                  ask_brokers(settings_), log_);
    pruning_->start();
  }

  /// Change data capture carries no dead letters: their rows only point to what is in them.
  bool wants_relay() const {
    if (config_.outbox.relay != OutboxConfig::Relay::kCdc)
      return config_.outbox.relay == OutboxConfig::Relay::kRun;
    return std::any_of(consumers_.begin(), consumers_.end(),
                       [](const auto& consumer) { return consumer.dlq_topic.has_value(); });
  }

  /// A relay that died is noticed about as soon as a consumer that died.
  RelayOptions relay_options() const {
    RelayOptions options;
    options.retention = config_.outbox.retention;
    options.lease = std::clamp(session_timeout(config_.kafka), milliseconds{6'000}, options.lease);
    return options;
  }

  void say_started() {
    for (const auto& note : advice(config_, settings_)) log_.warning("advice", note);
    for (const auto& consumer : consumers_) {
      log_.write(consumer.name, {observe::LogLevel::kInfo, "started",
                                 "consuming " + joined(consumer.topics) + " as group " +
                                     consumer.group + " into " + describe_database(config_)});
    }
  }

  /// Until every worker has ended.
  void watch() {
    while (workers_.running() > 0) {
      if (signals_.wait(deadline_ ? until_deadline() : kTick, workers_.ended_fd())) on_signal();
      for (auto& ended : workers_.take_ended()) on_ended(ended);
      for (auto& [name, voice] : voices_) voice->log.tick();
      if (deadline_ && Clock::now() >= *deadline_ && workers_.running() > 0) give_up();
    }
  }

  milliseconds until_deadline() const {
    const auto left = std::chrono::ceil<milliseconds>(*deadline_ - Clock::now());
    return std::clamp(left, milliseconds{0}, kTick);
  }

  void on_signal() {
    if (std::exchange(signalled_, true)) exit_second_signal();
    log_.info("stopping", "signal: finishing the batch and leaving the group, within " +
                              std::to_string(options_.drain_timeout.count()) + "ms");
    stop();
  }

  void stop() {
    begin_to_end("finishing batches and leaving groups");
    if (pruning_) pruning_->request_stop();
    workers_.stop();
  }

  /// From now on the process ends within the drain timeout, and surely after `kGrace` more.
  void begin_to_end(const std::string& doing) {
    if (!deadline_) deadline_ = Clock::now() + options_.drain_timeout;
    last_resort_.now(doing);
    last_resort_.end_by(*deadline_ + LastResort::kGrace);
  }

  void on_ended(WorkerThreads::Ended& ended) {
    if (--running_[ended.consumer] == 0) running_.erase(ended.consumer);
    records_ += ended.result.records;
    halted_ = halted_ || !ended.result.halted.empty();
    if (!ended.error) {
      ++came_to_end_;
      return;
    }
    try {
      std::rethrow_exception(ended.error);
    } catch (const FatalSourceError& e) {
      say_ended(ended.consumer, e.what());
    } catch (const std::exception& e) {
      // Refused, or a fault of ours: to go on with the others would only hide it.
      say_ended(ended.consumer, e.what());
      if (!error_) error_ = ended.error;
      stop();
    }
  }

  void say_ended(const std::string& consumer, const std::string& why) {
    log_.write(consumer,
               {observe::LogLevel::kError, "worker_ended", "this worker cannot go on: " + why});
  }

  [[noreturn]] void exit_second_signal() {
    log_.error("ending_at_once", "second signal: ending now; what is under way is rolled back");
    _exit(static_cast<int>(ExitCode::kFailed));
  }

  [[noreturn]] void give_up() {
    std::string names;
    for (const auto& [name, count] : running_) names += " " + name;
    log_.error("ending_at_once",
               "not done within the drain timeout: ending now; what is under way is rolled back. "
               "Still busy, with their batch or with leaving their group, are workers of:" +
                   names);
    _exit(static_cast<int>(ExitCode::kFailed));
  }

  /// The workers are done and their positions stored: all that is cut short is a wait.
  [[noreturn]] void leave_outflow() {
    log_.warning(
        "outflow",
        "the relay or the e-mail sender still waits for its server; their rows stay in the "
        "database");
    _exit(static_cast<int>(error_ ? ExitCode::kFailed : ExitCode::kOk));
  }

  ExitCode end() {
    begin_to_end("ending the relay of outgoing records and the sender of e-mails");
    end_outflow();
    last_resort_.now("ending the pruning of old rows");
    pruning_.reset();
    last_resort_.now("closing connections to Kafka and the database");
    for (auto& [name, voice] : voices_) voice->log.say_rest();
    if (error_) std::rethrow_exception(error_);
    log_.info("stopped", std::to_string(records_) + " records decided; positions are stored");
    if (came_to_end_ == 0) return ExitCode::kFailed;
    return options_.until_idle && halted_ ? ExitCode::kNotClean : ExitCode::kOk;
  }

  void end_outflow() {
    const auto deadline = *deadline_;
    while (!outflow_.stop_by(std::min(deadline, Clock::now() + kTick))) {
      if (signals_.wait(milliseconds{0}) && std::exchange(signalled_, true)) exit_second_signal();
      if (Clock::now() >= deadline) leave_outflow();
    }
    if (!options_.until_idle || error_) return;
    try {
      outflow_.send_rest(deadline);
    } catch (const InfrastructureError& e) {
      log_.warning("outflow", std::string("what is not sent stays in the database: ") + e.what());
    }
  }

  const Config& config_;
  const std::vector<HandlerSpec>& handlers_;
  const RunOptions& options_;
  observe::Log& log_;
  Observer& witness_;
  // Before anything that starts a thread.
  StopSignals signals_;
  // Goes last of all that may hang.
  LastResort last_resort_;
  // Outlives the workers, whose handlers it watches.
  Watchdog watchdog_;
  std::mutex trials_;
  kafka::Settings settings_;
  std::vector<ConsumerConfig> consumers_;
  DatabaseFactory databases_;
  // Voices outlive those who speak through them.
  std::map<std::string, std::unique_ptr<Voice>> voices_;
  Outflow outflow_;
  std::unique_ptr<ScheduledPruning> pruning_;
  WorkerThreads workers_;
  /// Workers per consumer that have not ended.
  std::map<std::string, int> running_;
  std::optional<Clock::time_point> deadline_;
  std::exception_ptr error_;
  std::int64_t records_ = 0;
  std::size_t came_to_end_ = 0;
  bool halted_ = false;
  bool signalled_ = false;
};

}  // namespace

ExitCode run_consumers(const Config& config, const std::vector<HandlerSpec>& handlers,
                       const RunOptions& options, observe::Log& log, Observer& witness) {
  return ConsumerRun(config, handlers, options, log, witness).run();
}

}  // namespace kinbox::cli
