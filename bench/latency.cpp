#include "latency.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "arrivals.hpp"
#include "cli/config/load.hpp"
#include "cli/run/consumer_run.hpp"
#include "core/random_name.hpp"
#include "handlers/handlers.hpp"
#include "kinbox/json.hpp"
#include "order_producer.hpp"
#include "orders.hpp"

namespace kinbox::bench {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;

constexpr int kPartitions = 4;
constexpr std::chrono::seconds kPatience{60};

/// When each order was sent and when it took effect. Any thread.
class Times : public Observer {
 public:
  explicit Times(std::size_t orders) : sent_(orders), took_(orders), missing_(orders) {}

  void on_sent(std::size_t n) { sent_[n] = Clock::now(); }
  /// The worker's thread: what it handled since the transaction was opened is not committed yet.
  void on_handled(std::size_t n) { handled().push_back(n); }

  void on_step(Step step) override {
    if (step == Step::kOpened) handled().clear();
    if (step != Step::kCommitted) return;
    const auto now = Clock::now();
    for (const auto n : handled())
      took_[n] = std::chrono::ceil<microseconds>(now - sent_[n].load());
    const std::lock_guard lock(mutex_);
    ++transactions_;
    missing_ -= handled().size();
    changed_.notify_all();
  }

  void on_notice(const Notice& notice) override {
    if (!std::holds_alternative<notice::Assigned>(notice)) return;
    const std::lock_guard lock(mutex_);
    ++assigned_;
    changed_.notify_all();
  }

  bool wait_for_assignment() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [this] { return over_ || assigned_ >= kPartitions; });
  }

  bool wait_for_effects() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [this] { return over_ || missing_ == 0; });
  }

  /// Nobody consumes any more: ends the waits.
  void give_up() {
    const std::lock_guard lock(mutex_);
    over_ = true;
    changed_.notify_all();
  }

  // When the workers have ended.
  const std::vector<microseconds>& took() const { return took_; }
  std::int64_t transactions() const { return transactions_; }
  /// From each order's sending to its moment.
  std::vector<microseconds> until(const std::vector<Clock::time_point>& moments) const {
    std::vector<microseconds> took;
    for (std::size_t n = 0; n < moments.size(); ++n)
      took.push_back(std::chrono::ceil<microseconds>(moments[n] - sent_[n].load()));
    return took;
  }

 private:
  static std::vector<std::size_t>& handled() {
    thread_local std::vector<std::size_t> orders;
    return orders;
  }

  std::vector<std::atomic<Clock::time_point>> sent_;
  std::vector<microseconds> took_;
  std::int64_t transactions_ = 0;
  std::size_t missing_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int assigned_ = 0;
  bool over_ = false;
};

/// A shipped handler, and the moment it was called.
class Timed final : public Handler {
 public:
  Timed(std::unique_ptr<Handler> handler, Times& times)
      : handler_(std::move(handler)), times_(times) {}

  void handle(const Event& event, Transaction& tx) override {
    handler_->handle(event, tx);
    times_.on_handled(number_of(JsonPayload(event).text("/orderNumber")));
  }

 private:
  std::unique_ptr<Handler> handler_;
  Times& times_;
};

std::vector<HandlerSpec> timed_handlers(Times& times) {
  auto specs = shipped_handlers();
  for (auto& spec : specs)
    spec.make = [make = spec.make, &times](const HandlerContext& context) {
      return std::make_unique<Timed>(make(context), times);
    };
  return specs;
}

cli::Config configuration(const LatencyPlan& plan) {
  auto config = cli::load_config(plan.config, cli::process_environment());
  if (config.consumers.size() != 1 || config.consumers[0].topics.size() != 1)
    throw std::runtime_error(plan.config + " should have one consumer of one topic");
  auto& consumer = config.consumers[0];
  if (auto rules = consumer.identity.extract(consumer.topics[0])) {
    rules.key() = plan.topic;
    consumer.identity.insert(std::move(rules));
  }
  consumer.topics = {plan.topic};
  consumer.group = "latency-" + random_name();
  if (plan.emitted) consumer.replies = ReplyOptions{.to = plan.topic + ".replies"};
  return config;
}

/// Open loop: a slow consumer does not make the producer slower.
void send_at_rate(OrderProducer& producer, Times& times, int rate, std::size_t orders) {
  const auto start = Clock::now();
  for (std::size_t n = 0; n < orders; ++n) {
    std::this_thread::sleep_until(start + n * std::chrono::nanoseconds{1'000'000'000} / rate);
    times.on_sent(n);
    producer.send(static_cast<std::int64_t>(n));
  }
  producer.flush();
}

void require(bool condition, const char* otherwise) {
  if (!condition) throw std::runtime_error(otherwise);
}

void send_and_wait(OrderProducer& producer, Times& times, int rate, std::size_t orders) {
  require(times.wait_for_assignment(), "no partitions were assigned");
  send_at_rate(producer, times, rate, orders);
  require(times.wait_for_effects(), "some events never took effect");
}

/// Creates the topic of the replies as well.
std::unique_ptr<Arrivals> read_replies(const cli::Config& config, std::size_t orders) {
  const auto& brokers = config.kafka.settings.at("bootstrap.servers");
  const auto& topic = config.consumers[0].replies->to;
  OrderProducer(brokers, topic, std::chrono::milliseconds{0}).create_topic(kPartitions);
  return std::make_unique<Arrivals>(brokers, topic, kPartitions, orders);
}

/// Sorted, without the first `warm_up`.
std::vector<microseconds> behind(std::ptrdiff_t warm_up, std::vector<microseconds> all) {
  all.erase(all.begin(), all.begin() + warm_up);
  std::sort(all.begin(), all.end());
  return all;
}

/// `kinbox run` ends by a signal; no thread may die of it.
void block_stop_signal() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

/// Runs until `work`, in a thread of its own, is done.
void consume_during(const cli::Config& config, Times& times, const std::function<void()>& work) {
  std::exception_ptr failure;
  std::jthread worker([&] {
    try {
      work();
    } catch (...) {
      failure = std::current_exception();
    }
    kill(getpid(), SIGTERM);
  });
  observe::Log log({.format = observe::LogFormat::kHuman, .level = observe::LogLevel::kWarning});
  try {
    cli::run_consumers(config, timed_handlers(times), {}, log, times);
  } catch (...) {
    // It has given the signal free again.
    block_stop_signal();
    times.give_up();
    worker.join();
    throw;
  }
  worker.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace

microseconds percentile(const std::vector<microseconds>& sorted, double share) {
  const auto rank = std::ceil(share * static_cast<double>(sorted.size()));
  const auto index = static_cast<std::size_t>(std::max(rank, 1.0)) - 1;
  return sorted.at(std::min(index, sorted.size() - 1));
}

Latencies measure_latency(const LatencyPlan& plan) {
  const auto orders_in = [&](std::chrono::seconds time) {
    return static_cast<std::size_t>(plan.rate) * static_cast<std::size_t>(time.count());
  };
  const auto orders = orders_in(plan.warm_up + plan.duration);
  Times times(orders);
  const auto config = configuration(plan);
  block_stop_signal();
  OrderProducer producer(config.kafka.settings.at("bootstrap.servers"), plan.topic,
                         std::chrono::milliseconds{0});
  producer.create_topic(kPartitions);
  const auto arrivals = plan.emitted ? read_replies(config, orders) : nullptr;
  consume_during(config, times, [&] {
    send_and_wait(producer, times, plan.rate, orders);
    if (arrivals) require(arrivals->wait_for_all(kPatience), "some replies never came");
  });
  const auto warm_up = static_cast<std::ptrdiff_t>(orders_in(plan.warm_up));
  Latencies latencies{.sorted = behind(warm_up, times.took()),
                      .transactions = times.transactions()};
  if (arrivals) latencies.emitted = behind(warm_up, times.until(arrivals->moments()));
  return latencies;
}

}  // namespace kinbox::bench
