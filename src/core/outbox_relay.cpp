#include "kinbox/outbox_relay.hpp"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <random>
#include <set>

#include "core/outbox_rows.hpp"
#include "core/outbox_window.hpp"
#include "core/own_statements.hpp"
#include "core/random_name.hpp"
#include "core/waker.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/retry_policy.hpp"

namespace kinbox {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr RetryPolicy kBackoff{
    .max_attempts = 0, .first_delay = milliseconds{500}, .max_delay = milliseconds{30'000}};

/// A topic that lets rows wait for so long gets no more until it has answered.
constexpr milliseconds kPatience{1'000};
/// Answers that come within so long are written down together.
constexpr milliseconds kGather{5};
constexpr milliseconds kTick{20};
/// What is under way when the relay ends may still be answered.
constexpr milliseconds kFarewell{1'000};
constexpr std::size_t kLanes = 64;
/// With so many bytes in hand nothing more is read.
constexpr std::size_t kEnough = std::size_t{32} << 20;

}  // namespace

class OutboxRelay::Impl {
 public:
  Impl(std::unique_ptr<Database> database, std::unique_ptr<Publisher> publisher,
       RelayOptions options, Observer& observer)
      : database_(std::move(database)),
        publisher_(std::move(publisher)),
        window_(*publisher_),
        options_(options),
        observer_(observer),
        rows_(database_->dialect(), random_name()) {}

  std::size_t run_once() {
    auto settled = exchange(Reading::kYes);
    const auto deadline = Clock::now() + options_.lease / 3;
    while (!window_.empty() && Clock::now() < deadline) window_.settle(left_until(deadline));
    settled += exchange(Reading::kNo);
    return settled;
  }

  void run(const std::stop_token& stop) {
    const std::stop_callback interrupts(stop, [this] { waker_.wake(); });
    int failures = 0;
    while (!stop.stop_requested()) {
      try {
        turn();
        failures = 0;
      } catch (const InfrastructureError& e) {
        const auto pause = backoff(kBackoff, ++failures, uniform_(random_));
        observer_.on_notice(notice::Unavailable{e.what(), pause});
        std::unique_lock lock(mutex_);
        stopped_.wait_for(lock, stop, pause, [] { return false; });
      }
    }
    leave();
  }

  void wake() noexcept { waker_.wake(); }

  std::size_t prune() {
    std::size_t pruned = 0;
    own_transaction(*database_, "prune the outbox", [&](OpenTransaction& tx) {
      pruned = rows_.prune(tx, options_.retention, options_.prune_batch);
    });
    return pruned;
  }

  void release() noexcept {
    lease_ = {};
    try {
      own_transaction(*database_, "release lanes", [&](OpenTransaction& tx) { rows_.release(tx); });
    } catch (const Error&) {
      // Another relay waits for the lease to end instead.
    }
  }

 private:
  enum class Reading { kNo, kYes };
  struct Lease {
    std::size_t lanes = 0;
    Clock::time_point renew_at{};
    Clock::time_point until{};
  };
  struct Blocked {
    int failures = 0;
    Clock::time_point until{};
  };

  void turn() {
    exchange(Reading::kYes);
    if (window_.under_way() == 0) {
      prune_when_due();
      rest();
    } else {
      await_answers();
    }
  }

  /// Nothing to do: until somebody emits, as far as we are told, or the poll is due.
  void rest() {
    database_->wait_for_outbox(waker_.fd(), options_.idle_poll);
    waker_.rest();
  }

  /// Until there is enough to write down, or new rows may be there.
  void await_answers() {
    auto deadline = Clock::now() + options_.idle_poll;
    bool gathering = false;
    while (window_.under_way() > 0 && window_.answers() < options_.batch &&
           Clock::now() < deadline) {
      window_.settle(std::min(kTick, left_until(deadline)));
      if (window_.answers() > 0 && !std::exchange(gathering, true))
        deadline = std::min(deadline, Clock::now() + kGather);
      if (waker_.rest() || database_->wait_for_outbox(waker_.fd(), milliseconds{0})) return;
    }
  }

  /// One transaction: writes answers down, renews the lease, reads on. How many rows it settled.
  std::size_t exchange(Reading reading) {
    window_.settle(milliseconds{0});
    for (auto& answer : window_.take_answers()) unwritten_.push_back(std::move(answer));
    if (reading == Reading::kNo && unwritten_.empty()) return 0;
    auto lease = lease_;
    std::vector<OutboxRows::Row> rows;
    own_transaction(*database_, "relay", [&](OpenTransaction& tx) {
      mark(tx);
      if (reading == Reading::kNo) return;
      renew(tx, lease);
      rows = read(tx);
    });
    lease_ = lease;
    const auto settled = report(std::exchange(unwritten_, {}));
    window_.publish_until(lease_.until);
    window_.add(one_each_of_doubtful_topics(std::move(rows)));
    return settled;
  }

  /// Not for every round: it writes a row per lane.
  void renew(OpenTransaction& tx, Lease& lease) {
    const auto now = Clock::now();
    if (lease.lanes == kLanes && now < lease.renew_at) return;
    lease = {rows_.lease(tx, options_.lease), now + options_.lease / 3, now + options_.lease};
  }

  std::vector<OutboxRows::Row> read(OpenTransaction& tx) {
    auto without = window_.slow_topics(kPatience);
    const auto under_way = window_.under_way_without(without);
    if (under_way >= options_.batch || window_.bytes() >= kEnough) return {};
    const auto in_hand = window_.topics();
    for (const auto& [topic, block] : blocked_)
      if (block.until > Clock::now() || in_hand.contains(topic)) without.insert(topic);
    for (const auto& answer : unwritten_)
      if (answer.outcome == Delivery::Outcome::kRetry) without.insert(answer.topic);
    return rows_.pending(tx, options_.batch - under_way,
                         {.topics = std::move(without), .keys = window_.keys()});
  }

  /// A topic that failed last time is tried with one row.
  std::vector<OutboxRows::Row> one_each_of_doubtful_topics(std::vector<OutboxRows::Row> rows) {
    std::set<std::string> tried;
    std::erase_if(rows, [&](const auto& row) {
      const auto& topic = row.record.topic;
      return blocked_.contains(topic) && !tried.insert(topic).second;
    });
    return rows;
  }

  void mark(OpenTransaction& tx) {
    std::vector<std::int64_t> sent;
    for (const auto& answer : unwritten_) switch (answer.outcome) {
        case Delivery::Outcome::kDelivered:
          sent.push_back(answer.id);
          break;
        case Delivery::Outcome::kRetry:
          rows_.mark_failed(tx, answer.id, answer.error);
          break;
        case Delivery::Outcome::kRefused:
          rows_.mark_refused(tx, answer.id, answer.error);
          break;
      }
    // Always in one order: another relay may be at the same rows.
    std::sort(sent.begin(), sent.end());
    rows_.mark_sent(tx, sent);
  }

  /// How many rows were marked as sent or set aside.
  std::size_t report(const std::vector<OutboxWindow::Answer>& answers) {
    std::size_t sent = 0;
    std::map<std::string, std::string> failed;
    std::map<std::string, std::pair<std::size_t, std::string>> refused;
    for (const auto& answer : answers) switch (answer.outcome) {
        case Delivery::Outcome::kDelivered:
          ++sent;
          blocked_.erase(answer.topic);
          break;
        case Delivery::Outcome::kRetry:
          failed[answer.topic] = answer.error;
          break;
        case Delivery::Outcome::kRefused:
          ++refused[answer.topic].first;
          refused[answer.topic].second = answer.error;
          break;
      }
    std::size_t settled = sent;
    for (const auto& [topic, error] : failed) block(topic);
    if (sent > 0) observer_.on_notice(notice::Relayed{sent});
    for (const auto& [topic, error] : failed)
      observer_.on_notice(notice::RelayBlocked{topic, error, waiting(topic)});
    for (const auto& [topic, what] : refused) {
      settled += what.first;
      observer_.on_notice(notice::RelayRefused{topic, what.second, what.first});
    }
    return settled;
  }

  void block(const std::string& topic) {
    window_.drop_waiting(topic);
    auto& entry = blocked_[topic];
    if (entry.until > Clock::now()) return;
    entry.until = Clock::now() + backoff(kBackoff, ++entry.failures, 0.5 + uniform_(random_) / 2);
  }

  std::size_t waiting(const std::string& topic) {
    std::size_t count = 0;
    own_transaction(*database_, "relay",
                    [&](OpenTransaction& tx) { count = rows_.count_pending(tx, topic); });
    return count;
  }

  void prune_when_due() {
    if (Clock::now() < prune_at_) return;
    if (prune() < options_.prune_batch) prune_at_ = Clock::now() + options_.prune_every;
  }

  void leave() noexcept {
    window_.drop_waiting();
    lease_.until = {};
    window_.publish_until(lease_.until);
    try {
      const auto deadline = Clock::now() + kFarewell;
      while (window_.under_way() > 0 && Clock::now() < deadline)
        window_.settle(left_until(deadline));
      exchange(Reading::kNo);
    } catch (const Error&) {
      // They will be sent again, under the same ids.
    }
    release();
  }

  static milliseconds left_until(Clock::time_point deadline) {
    return std::max(milliseconds{0}, std::chrono::ceil<milliseconds>(deadline - Clock::now()));
  }

  std::unique_ptr<Database> database_;
  std::unique_ptr<Publisher> publisher_;
  OutboxWindow window_;
  RelayOptions options_;
  Observer& observer_;
  OutboxRows rows_;
  Lease lease_;
  /// Answers whose transaction is yet to commit.
  std::vector<OutboxWindow::Answer> unwritten_;
  /// A topic that cannot be reached is left alone for a while: its rows must not keep the others'
  /// from being read. Order is per topic and key, so leaving out a whole topic keeps it.
  std::map<std::string, Blocked> blocked_;
  Clock::time_point prune_at_{};
  Waker waker_;
  std::mutex mutex_;
  std::condition_variable_any stopped_;
  std::mt19937_64 random_{std::random_device{}()};
  std::uniform_real_distribution<double> uniform_{0.0, 1.0};
};

OutboxRelay::OutboxRelay(std::unique_ptr<Database> database, std::unique_ptr<Publisher> publisher,
                         RelayOptions options, Observer& observer)
    : impl_(std::make_unique<Impl>(std::move(database), std::move(publisher), options, observer)) {}
OutboxRelay::~OutboxRelay() = default;

std::size_t OutboxRelay::run_once() { return impl_->run_once(); }
void OutboxRelay::run(std::stop_token stop) { impl_->run(stop); }
void OutboxRelay::wake() noexcept { impl_->wake(); }
std::size_t OutboxRelay::prune() { return impl_->prune(); }
void OutboxRelay::release() noexcept { impl_->release(); }

}  // namespace kinbox
