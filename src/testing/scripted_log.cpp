#include "kinbox/testing/scripted_log.hpp"

#include "testing/scripted_state.hpp"

namespace kinbox::testing {

ScriptedLog::ScriptedLog() : state_(std::make_shared<State>()) {}
ScriptedLog::~ScriptedLog() = default;

Offset ScriptedLog::append(const TopicPartition& partition, OwnedRecord record) {
  const std::lock_guard lock(state_->mutex);
  auto& log = state_->logs[partition];
  record.topic = partition.topic;
  record.partition = partition.partition;
  record.offset = log.end++;
  const auto offset = record.offset;
  log.records.emplace(offset, std::move(record));
  state_->changed.notify_all();
  return offset;
}

Offset ScriptedLog::append_json(const TopicPartition& partition, std::string value,
                                std::string key) {
  OwnedRecord record;
  record.key = std::move(key);
  record.value = std::move(value);
  return append(partition, std::move(record));
}

void ScriptedLog::append_gap(const TopicPartition& partition, Offset count) {
  const std::lock_guard lock(state_->mutex);
  state_->logs[partition].end += count;
}

void ScriptedLog::trim(const TopicPartition& partition, Offset start) {
  const std::lock_guard lock(state_->mutex);
  auto& log = state_->logs[partition];
  log.start = start;
  log.records.erase(log.records.begin(), log.records.lower_bound(start));
}

LogRange ScriptedLog::range(const TopicPartition& partition) const {
  const std::lock_guard lock(state_->mutex);
  const auto& log = state_->logs[partition];
  return {log.start, log.end};
}

void ScriptedLog::recreate(const std::string& topic) {
  const std::lock_guard lock(state_->mutex);
  ++state_->recreations[topic];
  for (auto& [partition, log] : state_->logs)
    if (partition.topic == topic) log = {};
}

void ScriptedLog::hide_topic_ids() {
  const std::lock_guard lock(state_->mutex);
  state_->topic_ids_hidden = true;
}

std::unique_ptr<ScriptedSource> ScriptedLog::member() {
  return std::unique_ptr<ScriptedSource>(new ScriptedSource(state_));
}

std::optional<Offset> ScriptedLog::told(const TopicPartition& partition) const {
  const std::lock_guard lock(state_->mutex);
  const auto found = state_->told.find(partition);
  return found == state_->told.end() ? std::nullopt : std::optional(found->second);
}

void ScriptedLog::set_told(const TopicPartition& partition, Offset offset) {
  const std::lock_guard lock(state_->mutex);
  state_->told[partition] = offset;
}

}  // namespace kinbox::testing
