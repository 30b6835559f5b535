#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <random>
#include <set>

#include "core/outbox_rows.hpp"
#include "core/own_statements.hpp"
#include "core/random_name.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/outbox.hpp"
#include "kinbox/retry_policy.hpp"

namespace kinbox {
namespace {

using Clock = std::chrono::steady_clock;

constexpr RetryPolicy kBackoff{.max_attempts = 0,
                               .first_delay = std::chrono::milliseconds{500},
                               .max_delay = std::chrono::milliseconds{30'000}};

/// The rows of one round: per topic and key one at a time is under way, in order.
class Round {
 public:
  /// `under_way`: tickets that the publisher has and did not answer yet, also from earlier rounds.
  Round(std::vector<OutboxRows::Row> rows, std::set<std::uint64_t>& under_way)
      : rows_(std::move(rows)), under_way_(under_way) {
    for (std::size_t i = 0; i < rows_.size(); ++i) queues_[key_of(rows_[i].record)].push_back(i);
  }

  struct Result {
    std::int64_t id = 0;
    std::string topic;
    Delivery::Outcome outcome = Delivery::Outcome::kDelivered;
    std::string error;
  };

  /// Publishes until everything is answered, or `deadline`.
  std::vector<Result> run(Publisher& publisher, Clock::time_point deadline) {
    for (auto& [key, queue] : queues_) publish_next(publisher, queue);
    while (awaited_ > 0 && Clock::now() < deadline) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
      for (const auto& delivery : publisher.wait(left)) settle(publisher, delivery);
    }
    return std::move(results_);
  }

 private:
  using Key = std::pair<std::string, std::optional<std::string>>;

  static Key key_of(const OwnedRecord& record) { return {record.topic, record.key}; }

  void publish_next(Publisher& publisher, std::deque<std::size_t>& queue) {
    if (queue.empty()) return;
    const auto& row = rows_[queue.front()];
    const auto ticket = static_cast<std::uint64_t>(row.id);
    // The publisher may still be at it since the last round.
    if (under_way_.insert(ticket).second) publisher.publish(ticket, row.record);
    ++awaited_;
  }

  void settle(Publisher& publisher, const Delivery& delivery) {
    under_way_.erase(delivery.ticket);
    const auto row = std::find_if(rows_.begin(), rows_.end(), [&](const auto& candidate) {
      return static_cast<std::uint64_t>(candidate.id) == delivery.ticket;
    });
    // A straggler of an earlier round, whose lane is no longer ours.
    if (row == rows_.end()) return;
    auto& queue = queues_.at(key_of(row->record));
    --awaited_;
    results_.push_back({row->id, row->record.topic, delivery.outcome, delivery.error});
    queue.pop_front();
    // Behind a row that must be tried again, its key waits.
    if (delivery.outcome == Delivery::Outcome::kRetry)
      queue.clear();
    else
      publish_next(publisher, queue);
  }

  std::vector<OutboxRows::Row> rows_;
  std::map<Key, std::deque<std::size_t>> queues_;
  std::vector<Result> results_;
  std::set<std::uint64_t>& under_way_;
  std::size_t awaited_ = 0;
};

}  // namespace

class OutboxRelay::Impl {
 public:
  Impl(std::unique_ptr<Database> database, std::unique_ptr<Publisher> publisher,
       RelayOptions options, Observer& observer)
      : database_(std::move(database)),
        publisher_(std::move(publisher)),
        options_(options),
        observer_(observer),
        rows_(database_->dialect(), random_name()) {}

  std::size_t run_once() {
    Round round(lease_and_read(), under_way_);
    const auto results = round.run(*publisher_, Clock::now() + options_.lease / 3);
    if (results.empty()) return 0;
    own_transaction(*database_, "relay", [&](OpenTransaction& tx) {
      for (const auto& result : results) mark(tx, result);
    });
    return report(results);
  }

  void run(std::stop_token stop) {
    int failures = 0;
    while (!stop.stop_requested()) {
      auto pause = options_.idle_poll;
      try {
        if (run_once() > 0) pause = std::chrono::milliseconds{0};
        failures = 0;
      } catch (const InfrastructureError& e) {
        pause = backoff(kBackoff, ++failures, uniform_(random_));
        observer_.on_notice(notice::Unavailable{e.what(), pause});
      }
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, stop, pause, [] { return false; });
    }
    release();
  }

  void release() noexcept {
    try {
      own_transaction(*database_, "release lanes", [&](OpenTransaction& tx) { rows_.release(tx); });
    } catch (const Error&) {
      // Another relay waits for the lease to end instead.
    }
  }

 private:
  struct Blocked {
    int failures = 0;
    Clock::time_point until{};
  };

  std::vector<OutboxRows::Row> lease_and_read() {
    std::set<std::string> blocked;
    for (const auto& [topic, block] : blocked_)
      if (block.until > Clock::now()) blocked.insert(topic);
    std::vector<OutboxRows::Row> rows;
    own_transaction(*database_, "relay", [&](OpenTransaction& tx) {
      rows_.lease(tx, options_.lease);
      rows = rows_.pending(tx, options_.batch, blocked);
    });
    return rows;
  }

  void mark(OpenTransaction& tx, const Round::Result& result) {
    switch (result.outcome) {
      case Delivery::Outcome::kDelivered:
        return rows_.mark_sent(tx, result.id);
      case Delivery::Outcome::kRetry:
        return rows_.mark_failed(tx, result.id, result.error);
      case Delivery::Outcome::kRefused:
        return rows_.mark_refused(tx, result.id, result.error);
    }
  }

  /// How many rows were marked as sent or set aside.
  std::size_t report(const std::vector<Round::Result>& results) {
    std::size_t sent = 0;
    std::size_t refused = 0;
    std::map<std::string, std::string> failed;
    for (const auto& result : results) {
      if (result.outcome == Delivery::Outcome::kDelivered) {
        ++sent;
        blocked_.erase(result.topic);
      } else {
        failed[result.topic] = result.error;
        if (result.outcome == Delivery::Outcome::kRefused) ++refused;
      }
    }
    for (const auto& result : results)
      if (result.outcome == Delivery::Outcome::kRetry) block(result.topic);
    if (sent > 0) observer_.on_notice(notice::Relayed{sent});
    for (const auto& [topic, error] : failed)
      observer_.on_notice(notice::RelayBlocked{topic, error, waiting(topic)});
    return sent + refused;
  }

  void block(const std::string& topic) {
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

  std::unique_ptr<Database> database_;
  std::unique_ptr<Publisher> publisher_;
  RelayOptions options_;
  Observer& observer_;
  OutboxRows rows_;
  /// A topic that cannot be reached is left alone for a while: its rows must not keep the others'
  /// from being read. Order is per topic and key, so leaving out a whole topic keeps it.
  std::map<std::string, Blocked> blocked_;
  std::set<std::uint64_t> under_way_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::mt19937_64 random_{std::random_device{}()};
  std::uniform_real_distribution<double> uniform_{0.0, 1.0};
};

OutboxRelay::OutboxRelay(std::unique_ptr<Database> database, std::unique_ptr<Publisher> publisher,
                         RelayOptions options, Observer& observer)
    : impl_(std::make_unique<Impl>(std::move(database), std::move(publisher), options, observer)) {}
OutboxRelay::~OutboxRelay() = default;

std::size_t OutboxRelay::run_once() { return impl_->run_once(); }
void OutboxRelay::run(std::stop_token stop) { impl_->run(std::move(stop)); }
void OutboxRelay::release() noexcept { impl_->release(); }

}  // namespace kinbox
