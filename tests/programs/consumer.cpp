// A consumer that does something to itself at a named step of a batch. Runs the real loop over real
// Kafka and a real database; the tests start it, look what is left, and start it again.
//
//   consumer NAME=VALUE...
//     brokers, topics (comma-separated), group       what it reads
//     sqlite=PATH | postgres=URI schema=NAME         where it writes: table `effects` (event_id)
//     handler=NAME                                   instead: a shipped handler, whose name the
//                                                    consumer has too; other types are skipped
//     step=fetched|...|before_tell at=N signal=KILL|STOP   what it does to itself, at the Nth time
//     large_at=N                                     the Nth event asks PostgreSQL for a gigabyte,
//     and
//                                                    stops the process among its arrival
//     reply_to=TOPIC                                 where events are confirmed
//     reject=PREFIX                                  ids of events that are dead letters
//     until=idle|stopped                             idle: ends when there is nothing left
//     batch=N idle_timeout_ms=N
//     and settings of librdkafka, whose names hold a dot
//
// Prints "assigned TOPIC/PARTITION" per partition it takes, "step NAME" before the signal, and at
// the end "peak N KiB", its largest resident size, and "done".
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "handlers/handlers.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/kafka/source.hpp"
#include "kinbox/worker.hpp"
#include "programs/victim.hpp"
#include "support/kafka_settings.hpp"

namespace {

using kinbox::Step;
using kinbox::testing::Arguments;
using kinbox::testing::Suicide;

kinbox::Worker* running = nullptr;

constexpr std::array<const char*, 8> kStepNames{"fetched",   "opened",        "claimed",
                                                "handled",   "before_commit", "commit_sent",
                                                "committed", "before_tell"};

class Steps : public kinbox::Observer, public Suicide {
 public:
  using Suicide::Suicide;

  void on_step(Step step) override { at(kStepNames[static_cast<std::size_t>(step)]); }

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

class InsertAndReadMuch : public kinbox::testing::InsertEffect {
 public:
  InsertAndReadMuch(const kinbox::Dialect& dialect, const Arguments& arguments)
      : InsertEffect(dialect),
        reject_(arguments.text("reject")),
        large_at_(arguments.number("large_at", 0)) {}
  void handle(const kinbox::Event& event, kinbox::Transaction& tx) override {
    if (!reject_.empty() && event.id().starts_with(reject_))
      throw kinbox::PermanentError("rejected", "as_told");
    InsertEffect::handle(event, tx);
    if (++seen_ != large_at_) return;
    std::thread(stop_when_grown_by, 5'000).detach();
    tx.query("SELECT repeat('x', 1000) FROM generate_series(1, 1000000)");
  }

 private:
  std::string reject_;
  int large_at_;
  int seen_ = 0;
};

kinbox::ConsumerSpec with_shipped_handler(const std::string& name, const std::string& group,
                                          std::vector<std::string> topics) {
  kinbox::ConsumerSpec spec;
  spec.name = name;
  spec.group = group;
  spec.topics = std::move(topics);
  for (auto& handler : kinbox::shipped_handlers())
    if (handler.name == name) spec.handlers.push_back({std::move(handler)});
  return spec;
}

kinbox::ConsumerSpec consumer(const Arguments& arguments) {
  std::vector<std::string> topics;
  std::istringstream list(arguments.text("topics"));
  for (std::string topic; std::getline(list, topic, ',');) topics.push_back(topic);
  if (const auto handler = arguments.text("handler"); !handler.empty())
    return with_shipped_handler(handler, arguments.text("group"), std::move(topics));
  auto spec = kinbox::testing::victim(arguments.text("group"), std::move(topics),
                                      [arguments](const kinbox::HandlerContext& context) {
                                        return std::make_unique<InsertAndReadMuch>(context.dialect,
                                                                                   arguments);
                                      });
  if (const auto topic = arguments.text("reply_to"); !topic.empty())
    spec.replies = kinbox::ReplyOptions{.to = topic};
  return spec;
}

std::map<std::string, std::string> kafka_settings(const Arguments& arguments) {
  auto settings = kinbox::testing::quick_group_settings(arguments.text("brokers"));
  if (arguments.text("group.protocol") == "consumer")  // these are the broker's business then
    for (const auto* name : {"session.timeout.ms", "heartbeat.interval.ms"}) settings.erase(name);
  for (const auto& [name, value] : arguments.all())
    if (name.find('.') != std::string::npos) settings[name] = value;
  return settings;
}

}  // namespace

int main(int argc, char** argv) {
  const Arguments arguments(argc, argv, 1);
  Steps observer(arguments);
  kinbox::WorkerOptions options;
  options.budget.max_records = static_cast<std::size_t>(arguments.number("batch", 20));
  options.budget.max_wait = std::chrono::milliseconds{20};
  if (!arguments.text("handler").empty()) {
    options.dispatch.unknown_types = kinbox::UnknownTypes::kSkip;
    // What comes before what it needs is waited for.
    options.dispatch.on_error.retry = {.max_attempts = 10'000,
                                       .first_delay = std::chrono::milliseconds{1},
                                       .max_delay = std::chrono::milliseconds{100}};
  }
  auto spec = consumer(arguments);
  auto source =
      kinbox::kafka::make_source({.settings = kinbox::kafka::Settings(kafka_settings(arguments)),
                                  .group = spec.group,
                                  .topics = spec.topics},
                                 observer);
  kinbox::Worker worker(spec, options, std::move(source), kinbox::testing::connect(arguments),
                        observer);
  running = &worker;
  signal(SIGTERM, [](int) { running->stop(); });
  const auto result =
      worker.run({.idle = arguments.text("until", "idle") == "idle"}, std::chrono::seconds{5});
  for (const auto& [partition, reason] : result.halted)
    std::printf("halted %s/%d %s\n", partition.topic.c_str(), partition.partition, reason.c_str());
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("peak %ld KiB\n", usage.ru_maxrss);
  std::printf("done\n");
  return result.halted.empty() ? 0 : 2;
}
