#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/outbox_rows.hpp"
#include "kinbox/publisher.hpp"

namespace kinbox {

/// The rows that a relay has in hand: of each key one is under way at a time, in order of id.
class OutboxWindow {
 public:
  using Clock = std::chrono::steady_clock;

  /// A key with many rows must not fill the memory: one after the other they take their time.
  static constexpr std::size_t kPerKey = 100;

  /// What became of a row.
  struct Answer {
    std::int64_t id = 0;
    std::string topic;
    Delivery::Outcome outcome = Delivery::Outcome::kDelivered;
    std::string error;
  };

  explicit OutboxWindow(Publisher& publisher) : publisher_(publisher) {}

  /// From then on nothing more is published: the lanes may be another relay's.
  void publish_until(Clock::time_point end) { publish_until_ = end; }

  /// Takes rows that are not in hand, in order of id; publishes those that are their key's first.
  /// Of each key `kPerKey` at most: the others will be read again.
  void add(std::vector<OutboxRows::Row> rows);

  /// Waits for answers, `timeout` at most, and publishes what comes behind them. Behind a row that
  /// must be tried again, its key is dropped: it will be read again.
  void settle(std::chrono::milliseconds timeout);

  /// The answers since the last call.
  std::vector<Answer> take_answers();
  std::size_t answers() const noexcept { return answers_.size(); }

  /// Forgets what is not under way.
  void drop_waiting();
  /// The same for one topic.
  void drop_waiting(const std::string& topic);

  bool empty() const noexcept { return queues_.empty(); }
  std::size_t under_way() const noexcept { return key_of_.size(); }
  /// Keys of which something is in hand. They must not be read meanwhile.
  std::vector<std::int64_t> keys() const;
  std::set<std::string> topics() const;
  /// Topics with a row under way for longer than `patience`.
  std::set<std::string> slow_topics(std::chrono::milliseconds patience) const;
  /// Rows under way, without those of `topics`.
  std::size_t under_way_without(const std::set<std::string>& topics) const;
  /// Of keys and values in hand.
  std::size_t bytes() const noexcept { return bytes_; }

 private:
  struct Held {
    OutboxRows::Row row;
    bool under_way = false;
    Clock::time_point published{};
  };
  using Queue = std::deque<Held>;

  void publish_first(Queue& queue);
  void take(const Delivery& delivery);
  void forget(Queue& queue, Queue::iterator first);
  template <typename Unwanted>
  void drop(Unwanted unwanted);

  Publisher& publisher_;
  Clock::time_point publish_until_{};
  /// By key_hash; none is empty.
  std::map<std::int64_t, Queue> queues_;
  /// Of the rows under way, by ticket.
  std::map<std::uint64_t, std::int64_t> key_of_;
  std::vector<Answer> answers_;
  std::size_t bytes_ = 0;
};

}  // namespace kinbox
