// A consumer that does something to itself at a named step of a batch. Runs the real loop over real
// Kafka and a real database; the tests start it, look what is left, and start it again.
//
//   consumer NAME=VALUE...
//     brokers, topics (comma-separated), group       what it reads
//     sqlite=PATH | postgres=URI schema=NAME         where it writes: table `effects` (event_id)
//     step=fetched|...|before_tell at=N signal=KILL|STOP   what it does to itself, at the Nth time
//     large_at=N                                     the Nth event asks PostgreSQL for a gigabyte,
//     and
//                                                    stops the process among its arrival
//     until=idle|stopped                             idle: ends when there is nothing left
//     batch=N idle_timeout_ms=N
//
// Prints "assigned TOPIC/PARTITION" per partition it takes, "step NAME" before the signal, "done"
// at the end.
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <thread>

#include "kinbox/kafka/source.hpp"
#include "kinbox/postgres/database.hpp"
#include "kinbox/sqlite/database.hpp"
#include "kinbox/worker.hpp"
#include "support/kafka_settings.hpp"

namespace {

using kinbox::Step;

kinbox::Worker* running = nullptr;

class Arguments {
 public:
  Arguments(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
      const std::string word = argv[i];
      const auto equals = word.find('=');
      values_[word.substr(0, equals)] = word.substr(equals + 1);
    }
  }
  std::string text(const std::string& name, const std::string& otherwise = "") const {
    const auto found = values_.find(name);
    return found == values_.end() ? otherwise : found->second;
  }
  int number(const std::string& name, int otherwise) const {
    return values_.contains(name) ? std::stoi(values_.at(name)) : otherwise;
  }

 private:
  std::map<std::string, std::string> values_;
};

constexpr std::array<const char*, 8> kStepNames{"fetched",   "opened",        "claimed",
                                                "handled",   "before_commit", "commit_sent",
                                                "committed", "before_tell"};

class Suicide : public kinbox::Observer {
 public:
  explicit Suicide(const Arguments& arguments)
      : step_(arguments.text("step")),
        at_(arguments.number("at", 1)),
        signal_(arguments.text("signal", "KILL") == "STOP" ? SIGSTOP : SIGKILL) {}

  void on_step(Step step) override {
    if (kStepNames[static_cast<std::size_t>(step)] != step_ || ++seen_ != at_) return;
    std::printf("step %s\n", step_.c_str());
    std::fflush(stdout);
    kill(getpid(), signal_);
  }

  void on_notice(const kinbox::Notice& notice) override {
    if (const auto* assigned = std::get_if<kinbox::notice::Assigned>(&notice)) {
      std::printf("assigned %s/%d\n", assigned->partition.topic.c_str(),
                  assigned->partition.partition);
      std::fflush(stdout);
    } else if (const auto* missed = std::get_if<kinbox::notice::ClaimMissed>(&notice)) {
      std::printf("missed %s/%d\n", missed->partition.topic.c_str(), missed->partition.partition);
      std::fflush(stdout);
    } else if (const auto* away = std::get_if<kinbox::notice::Unavailable>(&notice)) {
      std::fprintf(stderr, "unavailable: %s\n", away->what.c_str());
    } else if (const auto* unclaimed = std::get_if<kinbox::notice::Unclaimed>(&notice)) {
      std::fprintf(stderr, "unclaimed: %s\n", unclaimed->why.c_str());
    }
  }

 private:
  std::string step_;
  int at_;
  int signal_;
  int seen_ = 0;
};

long resident_pages() {
  std::ifstream counters("/proc/self/statm");
  long size = 0;
  long resident = 0;
  counters >> size >> resident;
  return resident;
}

/// libpq keeps what has arrived of a result.
void stop_when_grown_by(long pages) {
  const long end = resident_pages() + pages;
  while (resident_pages() < end) std::this_thread::sleep_for(std::chrono::milliseconds{1});
  kill(getpid(), SIGSTOP);
}

class InsertEffect : public kinbox::Handler {
 public:
  InsertEffect(const kinbox::Dialect& dialect, int large_at)
      : sql_(dialect.render("INSERT INTO {kinbox}.effects (event_id) VALUES ($1)")),
        large_at_(large_at) {}
  void handle(const kinbox::Event& event, kinbox::Transaction& tx) override {
    tx.execute(sql_, event.id());
    if (++seen_ != large_at_) return;
    std::thread(stop_when_grown_by, 5'000).detach();
    tx.query("SELECT repeat('x', 1000) FROM generate_series(1, 1000000)");
  }

 private:
  std::string sql_;
  int large_at_;
  int seen_ = 0;
};

kinbox::ConsumerSpec consumer(const Arguments& arguments) {
  kinbox::ConsumerSpec spec;
  spec.name = "victim";
  spec.group = arguments.text("group");
  std::istringstream topics(arguments.text("topics"));
  for (std::string topic; std::getline(topics, topic, ',');) spec.topics.push_back(topic);
  kinbox::HandlerSpec handler;
  handler.name = "insert_effect";
  handler.event_types = {"*"};
  handler.make = [large_at = arguments.number("large_at", 0)](const auto& context) {
    return std::make_unique<InsertEffect>(context.dialect, large_at);
  };
  spec.handlers.push_back({std::move(handler)});
  return spec;
}

std::unique_ptr<kinbox::Database> database(const Arguments& arguments) {
  if (!arguments.text("sqlite").empty())
    return kinbox::sqlite::open({.path = arguments.text("sqlite")});
  kinbox::postgres::Options options;
  options.uri = arguments.text("postgres");
  options.schema = arguments.text("schema");
  options.idle_in_transaction_session_timeout =
      std::chrono::milliseconds{arguments.number("idle_timeout_ms", 3000)};
  return kinbox::postgres::factory(options)();
}

}  // namespace

int main(int argc, char** argv) {
  const Arguments arguments(argc, argv);
  Suicide observer(arguments);
  kinbox::WorkerOptions options;
  options.budget.max_records = static_cast<std::size_t>(arguments.number("batch", 20));
  options.budget.max_wait = std::chrono::milliseconds{20};
  auto spec = consumer(arguments);
  auto source = kinbox::kafka::make_source(
      {.settings = kinbox::kafka::Settings(
           kinbox::testing::quick_group_settings(arguments.text("brokers"))),
       .group = spec.group,
       .topics = spec.topics},
      observer);
  kinbox::Worker worker(spec, options, std::move(source), database(arguments), observer);
  running = &worker;
  signal(SIGTERM, [](int) { running->stop(); });
  const auto result =
      worker.run({.idle = arguments.text("until", "idle") == "idle"}, std::chrono::seconds{5});
  for (const auto& [partition, reason] : result.halted)
    std::printf("halted %s/%d %s\n", partition.topic.c_str(), partition.partition, reason.c_str());
  std::printf("done\n");
  return result.halted.empty() ? 0 : 2;
}
