// Order per key while everything goes on at once, on real databases and threads: events that fail
// and wait, workers that die, partitions that move, people at the desk. tests/simulation has the
// same on a clock of its own, thousands of times.
#include <gmock/gmock.h>

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "cli/dlq/letter_desk.hpp"
#include "cli/parked/parked_desk.hpp"
#include "support/pipeline.hpp"

namespace kinbox::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAreArray;
using ::testing::UnorderedElementsAreArray;

constexpr std::size_t kWorkers = 3;
constexpr std::int32_t kPartitions = 3;
constexpr int kKeys = 10;
constexpr int kActs = 80;

class OrderOfKeys : public Pipeline {
 protected:
  struct Died {};

  void prepare() override {
    Pipeline::prepare();
    options.budget.max_records = 5;
    options.dispatch.max_batch = 8;
    auto& on_error = options.dispatch.on_error;
    on_error.retry.max_attempts = 2;
    on_error.then = Then::kPark;
    on_error.park.delays = {5ms, 10ms, 20ms};
    handle = [this](const Event& event, Transaction& tx) {
      insert_effect(event, tx);
      if (fails(event.id())) throw std::runtime_error("not now");
    };
    observer.at_step([this](Step step) {
      ++steps_;
      if (step != Step::kCommitSent && dies()) throw Died{};
    });
  }
  void TearDown() override {
    for (auto& worker : workers_) stop(worker);
    Pipeline::TearDown();
  }

  /// What happens with `seed`, until everything is applied.
  void play(std::uint64_t seed) {
    random_.seed(seed);
    first_partition_ = static_cast<std::int32_t>(seed) * kPartitions;
    for (std::int32_t n = 0; n < kPartitions; ++n) seats_[n] = random_() % kWorkers;
    deadly_ = true;
    for (std::size_t n = 0; n < kWorkers; ++n) start(n);
    for (int n = 0; n < kActs; ++n) {
      act("s" + std::to_string(seed));
      const auto before = steps_.load();
      // Some acts meet workers that are busy, some such that have nothing to do.
      [[maybe_unused]] const bool busy = eventually([&] { return steps_ > before + 5; }, 20ms);
    }
    deadly_ = false;
    EXPECT_TRUE(eventually(
        [&] {
          revive();
          mend();
          return effects().size() >= all_sent_;
        },
        60s));
    for (auto& worker : workers_) stop(worker);
  }

  void expect_order() {
    auto out_of_line = released_;
    for (auto& id : texts("SELECT event_id FROM {kinbox}.dead_letters"))
      out_of_line.insert(std::move(id));
    for (const auto& [key, ids] : sent_) {
      auto effects = effects_of_key(key);
      EXPECT_THAT(effects, UnorderedElementsAreArray(ids)) << "each once";
      const auto left_out = [&](const auto& id) { return out_of_line.contains(id); };
      auto in_line = ids;
      std::erase_if(in_line, left_out);
      std::erase_if(effects, left_out);
      EXPECT_THAT(effects, ElementsAreArray(in_line)) << key;
    }
  }

 private:
  struct Running {
    Member member;
    std::thread thread;
    std::atomic<bool> died = false;
  };

  bool fails(const std::string& id) {
    const std::lock_guard lock(mutex_);
    return failures_[id]-- > 0;
  }
  bool dies() {
    const std::lock_guard lock(mutex_);
    return deadly_ && deaths_() % 200 == 0;
  }

  TopicPartition partition(std::int32_t n) const { return {p0.topic, first_partition_ + n}; }

  void start(std::size_t n) {
    std::vector<TopicPartition> mine;
    for (const auto& [p, seat] : seats_)
      if (seat == n) mine.push_back(partition(p));
    auto worker = std::make_unique<Running>();
    worker->member = member(std::move(mine));
    worker->thread = std::thread([running = worker.get()] {
      try {
        running->member.worker->run();
      } catch (const Died&) {
        running->died = true;
      }
    });
    workers_[n] = std::move(worker);
  }
  static void stop(std::unique_ptr<Running>& worker) {
    if (!worker) return;
    worker->member.worker->stop();
    worker->thread.join();
    worker.reset();
  }
  void revive() {
    for (std::size_t n = 0; n < kWorkers; ++n) {
      if (!workers_[n]->died) continue;
      stop(workers_[n]);
      start(n);
    }
  }

  void act(const std::string& prefix) {
    switch (random_() % 8) {
      case 0:
        return move();
      case 1:
        return revive();
      case 2:
        return change_letters();
      case 3:
        return change_parked();
      default:
        return send_some(prefix);
    }
  }

  void send_some(const std::string& prefix) {
    for (int n = 0; n < 3; ++n) {
      const auto key = static_cast<std::int32_t>(random_() % kKeys);
      const auto id = prefix + '-' + std::to_string(all_sent_++);
      {
        const std::lock_guard lock(mutex_);
        failures_[id] = random_() % 3 == 0 ? static_cast<int>(1 + random_() % 5) : 0;
      }
      const auto name = prefix + "-k" + std::to_string(key);
      send(partition(key % kPartitions), id, name);
      sent_[name].push_back(id);
    }
  }

  /// In order, or behind the back of the owner, who is told later.
  void move() {
    const auto p = static_cast<std::int32_t>(random_() % kPartitions);
    const auto from = seats_[p];
    const auto to = random_() % kWorkers;
    if (from == to) return;
    const bool in_order = random_() % 2 == 0;
    if (in_order) workers_[from]->member.source->revoke({partition(p)});
    workers_[to]->member.source->assign({partition(p)});
    if (!in_order) workers_[from]->member.source->revoke({partition(p)}, Revocation::kLost);
    seats_[p] = to;
  }

  void apply(const cli::LetterAct& act, bool all) {
    cli::LetterDesk desk(database());
    auto plan = desk.plan(act, {});
    if (!all && plan.ids.size() > 1 && random_() % 2 == 0) plan.ids.resize(1);
    if (plan.ids.empty()) return;
    try {
      desk.apply(act, plan, {.action = {.who = "zoe", .action = act.command}});
    } catch (const cli::LettersMoved&) {
      // It was tried meanwhile.
    }
  }
  void change_letters() {
    switch (random_() % 3) {
      case 0:
        return apply(cli::acts::kDiscard, false);
      case 1:
        return apply(cli::acts::kRestore, false);
      default:
        return apply(cli::acts::kRetry, false);
    }
  }
  void mend() {
    apply(cli::acts::kRestore, true);
    apply(cli::acts::kRetry, true);
  }

  void change_parked() {
    cli::ParkedDesk desk(database());
    const auto what = random_() % 3;
    auto events = desk.plan({}, what != 2);
    if (events.size() > 1) events.resize(1);
    if (events.empty()) return;
    try {
      if (what == 0) desk.retry(events, {.who = "zoe", .action = "parked retry"});
      if (what == 1) release(desk, events);
      if (what == 2)
        desk.dead_letter(events,
                         [](const auto& consumer) {
                           return DeadLetters::Options{.consumer = consumer, .group = "g"};
                         },
                         {.who = "zoe", .action = "parked dead-letter"});
    } catch (const cli::LettersMoved&) {
      // It was tried meanwhile.
    }
  }
  void release(cli::ParkedDesk& desk, std::span<const cli::ParkedEvent> events) {
    for (auto& id : texts("SELECT event_id FROM {kinbox}.parked_events WHERE id = " +
                          std::to_string(events[0].id)))
      released_.insert(std::move(id));
    desk.release(events, {.who = "zoe", .action = "parked release"});
  }

  std::mt19937_64 random_;
  std::int32_t first_partition_ = 0;
  std::map<std::int32_t, std::size_t> seats_;
  std::array<std::unique_ptr<Running>, kWorkers> workers_;
  std::atomic<std::int64_t> steps_ = 0;
  std::atomic<bool> deadly_ = false;
  std::map<std::string, std::vector<std::string>> sent_;
  std::size_t all_sent_ = 0;
  std::set<std::string> released_;
  std::mutex mutex_;
  std::map<std::string, int> failures_;
  std::mt19937_64 deaths_{17};
};
KINBOX_FOR_ALL_DATABASES(OrderOfKeys);

TEST_P(OrderOfKeys, IsThatOfARunWithoutFailures) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    play(seed);
    if (HasFailure()) break;
  }
  expect_order();
  EXPECT_GT(number(sql("SELECT count(*) FROM {kinbox}.audit")), 0);
  EXPECT_GT(observer.notices<notice::Parked>().size(), 0U);
}

}  // namespace
}  // namespace kinbox::testing
