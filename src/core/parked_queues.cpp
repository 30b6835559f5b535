#include "kinbox/parked_queues.hpp"

namespace kinbox {

std::size_t ParkedQueues::waiting(QueueId queue) const {
  const auto found = queues_.find(queue);
  return found == queues_.end() ? 0 : found->second.waiting;
}

void ParkedQueues::add(QueueId queue, std::size_t events, TimePoint due) {
  const auto [found, first] = queues_.try_emplace(queue, Queue{0, due});
  if (first) by_due_.emplace(due, queue);
  found->second.waiting += events;
  waiting_ += events;
}

void ParkedQueues::leave(QueueId queue) {
  const auto found = queues_.find(queue);
  if (found == queues_.end()) return;
  --waiting_;
  if (--found->second.waiting > 0) return;
  by_due_.erase({found->second.due, queue});
  queues_.erase(found);
}

void ParkedQueues::set_due(QueueId queue, TimePoint due) {
  const auto found = queues_.find(queue);
  if (found == queues_.end()) return;
  by_due_.erase({found->second.due, queue});
  found->second.due = due;
  by_due_.emplace(due, queue);
}

std::optional<ParkedQueues::TimePoint> ParkedQueues::next_due() const {
  if (by_due_.empty()) return std::nullopt;
  return by_due_.begin()->first;
}

void ParkedQueues::clear() {
  queues_.clear();
  by_due_.clear();
  waiting_ = 0;
}

}  // namespace kinbox
