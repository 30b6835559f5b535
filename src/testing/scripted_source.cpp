#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <set>

#include "kinbox/errors.hpp"
#include "testing/scripted_state.hpp"

namespace kinbox::testing {

struct ScriptedSource::Member {
  struct Fetch {
    /// Absent while the listener did not say where to start, or the log does not hold it.
    std::optional<Offset> at;
    bool paused = false;
    bool end_seen = false;
  };

  AssignmentListener* listener = nullptr;
  std::map<TopicPartition, Fetch> assigned;
  /// Run by the next poll, outside the mutex.
  std::deque<std::function<void()>> script;
  std::string fatal;
  int broker_losses = 0;
  bool closed = false;
};

ScriptedSource::ScriptedSource(std::shared_ptr<ScriptedLog::State> log)
    : log_(std::move(log)), member_(std::make_unique<Member>()) {}
ScriptedSource::~ScriptedSource() = default;

void ScriptedSource::assign(std::vector<TopicPartition> partitions) {
  const std::lock_guard lock(log_->mutex);
  member_->script.emplace_back([this, partitions = std::move(partitions)] {
    const auto starts = member_->listener->on_assigned(partitions);
    const std::lock_guard inner(log_->mutex);
    for (std::size_t i = 0; i < partitions.size(); ++i)
      member_->assigned[partitions[i]] = {.at = starts.at(i)};
  });
  log_->changed.notify_all();
}

void ScriptedSource::revoke(std::vector<TopicPartition> partitions, Revocation how) {
  const std::lock_guard lock(log_->mutex);
  member_->script.emplace_back([this, partitions = std::move(partitions), how] {
    member_->listener->on_revoked(partitions, how);
    const std::lock_guard inner(log_->mutex);
    for (const auto& id : partitions) member_->assigned.erase(id);
  });
  log_->changed.notify_all();
}

void ScriptedSource::step_back(const TopicPartition& partition, Offset offset) {
  const std::lock_guard lock(log_->mutex);
  member_->script.emplace_back([this, partition, offset] {
    const std::lock_guard inner(log_->mutex);
    auto& fetch = member_->assigned.at(partition);
    if (fetch.at) fetch.at = std::min(*fetch.at, offset);
  });
  log_->changed.notify_all();
}

void ScriptedSource::fail_fatally(std::string text) {
  const std::lock_guard lock(log_->mutex);
  member_->fatal = std::move(text);
  log_->changed.notify_all();
}

void ScriptedSource::lose_broker(int count) {
  const std::lock_guard lock(log_->mutex);
  member_->broker_losses = count;
}

bool ScriptedSource::is_paused(const TopicPartition& partition) const {
  const std::lock_guard lock(log_->mutex);
  const auto found = member_->assigned.find(partition);
  return found != member_->assigned.end() && found->second.paused;
}

bool ScriptedSource::is_closed() const {
  const std::lock_guard lock(log_->mutex);
  return member_->closed;
}

void ScriptedSource::subscribe(AssignmentListener& listener) {
  const std::lock_guard lock(log_->mutex);
  member_->listener = &listener;
}

void ScriptedSource::serve_script() {
  for (;;) {
    std::function<void()> next;
    {
      const std::lock_guard lock(log_->mutex);
      if (!member_->fatal.empty()) throw FatalSourceError(member_->fatal);
      if (member_->script.empty()) return;
      next = std::move(member_->script.front());
      member_->script.pop_front();
    }
    next();
  }
}

Polled ScriptedSource::poll(const PollBudget& budget) {
  serve_script();
  Polled polled;
  std::size_t bytes = 0;
  std::unique_lock lock(log_->mutex);
  const auto fetch_all = [&] {
    for (auto& [id, fetch] : member_->assigned) {
      if (!fetch.at || fetch.paused) continue;
      const auto& log = log_->logs[id];
      if (*fetch.at < log.start || *fetch.at > log.end) {
        polled.out_of_range.push_back({id, *fetch.at});
        fetch.at.reset();
        continue;
      }
      auto next = log.records.lower_bound(*fetch.at);
      while (next != log.records.end() && polled.records.size() < budget.max_records &&
             (polled.records.empty() || bytes < budget.max_bytes)) {
        polled.records.emplace_back(next->second);
        bytes += polled.records.back().size();
        fetch.at = next->first + 1;
        ++next;
      }
      fetch.end_seen = next == log.records.end();
    }
    return !polled.records.empty() || !polled.out_of_range.empty();
  };
  if (fetch_all() || budget.max_wait <= budget.max_wait.zero()) return polled;
  if (log_->changed.wait_for(lock, budget.max_wait) == std::cv_status::no_timeout) fetch_all();
  return polled;
}

void ScriptedSource::start_at(const TopicPartition& partition, Offset offset) {
  const std::lock_guard lock(log_->mutex);
  const auto found = member_->assigned.find(partition);
  if (found == member_->assigned.end())
    throw Error("start_at on a partition that is not assigned: " + partition.topic);
  found->second.at = offset;
  found->second.end_seen = false;
}

void ScriptedSource::pause(const TopicPartition& partition) {
  const std::lock_guard lock(log_->mutex);
  if (const auto found = member_->assigned.find(partition); found != member_->assigned.end())
    found->second.paused = true;
}

void ScriptedSource::resume(const TopicPartition& partition) {
  const std::lock_guard lock(log_->mutex);
  if (const auto found = member_->assigned.find(partition); found != member_->assigned.end())
    found->second.paused = false;
}

void ScriptedSource::tell(std::span<const PartitionOffset> positions) {
  const std::lock_guard lock(log_->mutex);
  for (const auto& position : positions) log_->told[position.partition] = position.offset;
}

void ScriptedSource::ask_broker() {
  if (member_->broker_losses == 0) return;
  --member_->broker_losses;
  throw InfrastructureError("the scripted broker does not answer");
}

std::optional<Offset> ScriptedSource::told(const TopicPartition& partition) {
  const std::lock_guard lock(log_->mutex);
  ask_broker();
  const auto found = log_->told.find(partition);
  return found == log_->told.end() ? std::nullopt : std::optional(found->second);
}

LogRange ScriptedSource::log_range(const TopicPartition& partition) {
  const std::lock_guard lock(log_->mutex);
  ask_broker();
  const auto& log = log_->logs[partition];
  return {log.start, log.end};
}

Offset ScriptedSource::offset_at(const TopicPartition& partition, Timestamp time) {
  const std::lock_guard lock(log_->mutex);
  ask_broker();
  const auto& log = log_->logs[partition];
  const auto found = std::find_if(log.records.begin(), log.records.end(), [&](const auto& entry) {
    return entry.second.timestamp && *entry.second.timestamp >= time;
  });
  return found == log.records.end() ? log.end : found->first;
}

std::string ScriptedSource::topic_id(const std::string& topic) {
  const std::lock_guard lock(log_->mutex);
  ask_broker();
  if (log_->topic_ids_hidden) return {};
  return topic + '#' + std::to_string(log_->recreations[topic]);
}

bool ScriptedSource::at_end(const TopicPartition& partition) const {
  const std::lock_guard lock(log_->mutex);
  const auto found = member_->assigned.find(partition);
  return found != member_->assigned.end() && found->second.end_seen;
}

std::string ScriptedSource::cluster_id() {
  const std::lock_guard lock(log_->mutex);
  ask_broker();
  return "scripted";
}

void ScriptedSource::close(std::chrono::steady_clock::time_point) {
  std::vector<TopicPartition> all;
  AssignmentListener* listener = nullptr;
  {
    const std::lock_guard lock(log_->mutex);
    for (const auto& [id, fetch] : member_->assigned) all.push_back(id);
    listener = member_->listener;
    member_->closed = true;
  }
  if (listener != nullptr) listener->on_revoked(all, Revocation::kOrderly);
  const std::lock_guard lock(log_->mutex);
  member_->assigned.clear();
}

}  // namespace kinbox::testing
