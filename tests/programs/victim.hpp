#pragma once

#include <signal.h>

#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kinbox/handler.hpp"
#include "kinbox/handler_registry.hpp"
#include "kinbox/postgres/database.hpp"
#include "kinbox/sqlite/database.hpp"
#include "kinbox/worker.hpp"

// What the programs that tests kill have in common: arguments of the form NAME=VALUE, a database,
// a step at which they do something to themselves, and a handler whose effects SQL can count.
namespace kinbox::testing {

class Arguments {
 public:
  /// The words from `first` on; the last of equal names counts.
  Arguments(int argc, char** argv, int first) {
    for (int i = first; i < argc; ++i) {
      const std::string_view word = argv[i];
      const auto equals = word.find('=');
      if (equals == word.npos) continue;
      values_[std::string(word.substr(0, equals))] = word.substr(equals + 1);
    }
  }

  std::string text(const std::string& name, const std::string& otherwise = "") const {
    const auto found = values_.find(name);
    return found == values_.end() ? otherwise : found->second;
  }

  int number(const std::string& name, int otherwise) const {
    return values_.contains(name) ? std::stoi(values_.at(name)) : otherwise;
  }

  const std::map<std::string, std::string>& all() const { return values_; }

 private:
  std::map<std::string, std::string> values_;
};

/// step=NAME [at=N] [signal=KILL|STOP]: what a program does to itself, and when.
class Suicide {
 public:
  explicit Suicide(const Arguments& arguments)
      : step_(arguments.text("step")),
        at_(arguments.number("at", 1)),
        signal_(arguments.text("signal", "KILL") == "STOP" ? SIGSTOP : SIGKILL) {}

  /// Does it when it comes to that step for the Nth time.
  void at(std::string_view step) {
    if (step != step_ || ++seen_ != at_) return;
    std::printf("step %s\n", step_.c_str());
    std::fflush(stdout);
    // At this thread: aimed at the process, it would run on until another thread takes the signal.
    raise(signal_);
  }

 private:
  const std::string step_;
  const int at_;
  const int signal_;
  int seen_ = 0;
};

/// Made before any other thread is: SIGTERM is for nobody but `wait`.
class Termination {
 public:
  Termination() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  }
  void wait() const {
    int signal = 0;
    sigwait(&signals_, &signal);
  }

 private:
  sigset_t signals_;
};

/// A row per call in a table without a unique key: a second effect of one event shows.
class InsertEffect : public Handler {
 public:
  explicit InsertEffect(const Dialect& dialect)
      : sql_(dialect.render("INSERT INTO {kinbox}.effects (event_id) VALUES ($1)")) {}
  void handle(const Event& event, Transaction& tx) override { tx.execute(sql_, event.id()); }

 private:
  std::string sql_;
};

/// A consumer with one handler, which gets every event.
inline ConsumerSpec victim(std::string group, std::vector<std::string> topics,
                           HandlerFactory make) {
  ConsumerSpec spec;
  spec.name = "victim";
  spec.group = std::move(group);
  spec.topics = std::move(topics);
  HandlerSpec handler;
  handler.name = "insert_effect";
  handler.event_types = {"*"};
  handler.make = std::move(make);
  spec.handlers.push_back({std::move(handler)});
  return spec;
}

/// sqlite=PATH | postgres=URI schema=NAME [idle_timeout_ms=N]
inline std::unique_ptr<Database> connect(const Arguments& arguments) {
  if (const auto path = arguments.text("sqlite"); !path.empty())
    return sqlite::open({.path = path});
  postgres::Options options;
  options.uri = arguments.text("postgres");
  options.schema = arguments.text("schema");
  options.idle_in_transaction_session_timeout =
      std::chrono::milliseconds{arguments.number("idle_timeout_ms", 3000)};
  return postgres::factory(options)();
}

}  // namespace kinbox::testing
