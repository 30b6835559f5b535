#include "core/outbox_window.hpp"

#include <algorithm>
#include <utility>

namespace kinbox {
namespace {

std::size_t size_of(const OutboxRows::Row& row) {
  return (row.record.key ? row.record.key->size() : 0) +
         (row.record.value ? row.record.value->size() : 0);
}

}  // namespace

void OutboxWindow::add(std::vector<OutboxRows::Row> rows) {
  for (auto& row : rows) {
    auto& queue = queues_[row.key_hash];
    if (queue.size() == kPerKey) continue;
    bytes_ += size_of(row);
    queue.push_back({std::move(row), false, {}});
    if (queue.size() == 1) publish_first(queue);
  }
}

void OutboxWindow::settle(std::chrono::milliseconds timeout) {
  for (const auto& delivery : publisher_.wait(timeout)) take(delivery);
  if (Clock::now() >= publish_until_) drop_waiting();
}

std::vector<OutboxWindow::Answer> OutboxWindow::take_answers() {
  return std::exchange(answers_, {});
}

void OutboxWindow::drop_waiting() {
  drop([](const Held&) { return true; });
}

void OutboxWindow::drop_waiting(const std::string& topic) {
  drop([&](const Held& held) { return held.row.record.topic == topic; });
}

std::vector<std::int64_t> OutboxWindow::keys() const {
  std::vector<std::int64_t> keys;
  for (const auto& [key, queue] : queues_) keys.push_back(key);
  return keys;
}

std::set<std::string> OutboxWindow::topics() const {
  std::set<std::string> topics;
  for (const auto& [key, queue] : queues_)
    for (const auto& held : queue) topics.insert(held.row.record.topic);
  return topics;
}

std::set<std::string> OutboxWindow::slow_topics(std::chrono::milliseconds patience) const {
  std::set<std::string> topics;
  const auto since = Clock::now() - patience;
  for (const auto& [key, queue] : queues_)
    if (queue.front().under_way && queue.front().published < since)
      topics.insert(queue.front().row.record.topic);
  return topics;
}

std::size_t OutboxWindow::under_way_without(const std::set<std::string>& topics) const {
  return static_cast<std::size_t>(
      std::count_if(queues_.begin(), queues_.end(), [&](const auto& entry) {
        const auto& first = entry.second.front();
        return first.under_way && !topics.contains(first.row.record.topic);
      }));
}

void OutboxWindow::publish_first(Queue& queue) {
  if (Clock::now() >= publish_until_) return;
  auto& first = queue.front();
  const auto ticket = static_cast<std::uint64_t>(first.row.id);
  first.under_way = true;
  first.published = Clock::now();
  key_of_.emplace(ticket, first.row.key_hash);
  publisher_.publish(ticket, first.row.record);
}

void OutboxWindow::take(const Delivery& delivery) {
  const auto key = key_of_.find(delivery.ticket);
  if (key == key_of_.end()) return;
  const auto queue = queues_.find(key->second);
  key_of_.erase(key);
  const auto& row = queue->second.front().row;
  answers_.push_back({row.id, row.record.topic, delivery.outcome, delivery.error});
  // What comes behind an event that is set aside waits for a person; behind a letter it goes on.
  const bool go_on = delivery.outcome == Delivery::Outcome::kDelivered ||
                     (delivery.outcome == Delivery::Outcome::kRefused && row.is_letter);
  if (!go_on) forget(queue->second, queue->second.begin() + 1);
  bytes_ -= size_of(row);
  queue->second.pop_front();
  if (queue->second.empty())
    queues_.erase(queue);
  else
    publish_first(queue->second);
}

void OutboxWindow::forget(Queue& queue, Queue::iterator first) {
  for (auto held = first; held != queue.end(); ++held) bytes_ -= size_of(held->row);
  queue.erase(first, queue.end());
}

template <typename Unwanted>
void OutboxWindow::drop(Unwanted unwanted) {
  for (auto at = queues_.begin(); at != queues_.end();) {
    auto& queue = at->second;
    // Order is per key: what is behind an unwanted row goes with it. All of a queue are of one
    // topic, but for rows of colliding hashes.
    const auto first = std::find_if(queue.begin(), queue.end(), [&](const Held& held) {
      return !held.under_way && unwanted(held);
    });
    forget(queue, first);
    at = queue.empty() ? queues_.erase(at) : std::next(at);
  }
}

}  // namespace kinbox
