#include "kafka/assignment.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace kinbox::kafka {

Owned* Assignment::find(std::string_view topic, std::int32_t partition) {
  const auto found = owned_.find(std::pair{topic, partition});
  return found == owned_.end() ? nullptr : &found->second;
}

Owned* Assignment::find(const TopicPartition& partition) {
  return find(partition.topic, partition.partition);
}

const Owned* Assignment::find(const TopicPartition& partition) const {
  const auto found = owned_.find(partition);
  return found == owned_.end() ? nullptr : &found->second;
}

std::vector<TopicPartition> Assignment::partitions() const {
  std::vector<TopicPartition> all;
  for (const auto& [partition, owned] : owned_) all.push_back(partition);
  return all;
}

void Assignment::add(std::span<const TopicPartition> partitions) {
  for (const auto& partition : partitions) owned_.insert_or_assign(partition, Owned{});
}

void Assignment::start(Owned& owned, Offset offset) {
  owned.start = offset;
  owned.at_end = false;
  owned.retry_at.reset();
  owned.stall.over();
}

void Assignment::pause(const TopicPartition& partition, Owned& owned) {
  owned.paused = true;
  owned.stall.over();
  if (!owned.assigned || owned.held) return;
  report("pause", rd_kafka_pause_partitions(rk_, list_of(partition).get()));
  owned.held = true;
}

void Assignment::resume(const TopicPartition& partition, Owned& owned) {
  owned.paused = false;
  if (!owned.held) return;
  release(partition);
  owned.held = false;
  owned.at_end = false;  // its end is reported again
}

std::vector<TopicPartition> Assignment::unstarted() const {
  std::vector<TopicPartition> all;
  for (const auto& [partition, owned] : owned_)
    if (!owned.assigned && !owned.stopped) all.push_back(partition);
  return all;
}

std::vector<TopicPartition> Assignment::fetched() const {
  std::vector<TopicPartition> all;
  for (const auto& [partition, owned] : owned_)
    if (owned.assigned && !owned.stopped && !owned.paused && !owned.lost && !owned.start)
      all.push_back(partition);
  return all;
}

void Assignment::seek(const TopicPartition& partition, const Owned& owned) {
  release(partition);
  // Does not wait: where it is not done, there is the other way.
  report("seek",
         ErrorHandle(rd_kafka_seek_partitions(rk_, list_of(partition, owned.next).get(), 0)));
}

void Assignment::reassign(const TopicPartition& partition, Owned& owned) {
  release(partition);
  owned.start = owned.next;
  owned.at_end = false;
}

void Assignment::stop_to_retry(Owned& owned) {
  constexpr std::chrono::seconds kWhile{2};
  owned.stopped = true;
  owned.at_end = false;
  if (!owned.retry_at) owned.retry_at = std::chrono::steady_clock::now() + kWhile;
}

void Assignment::retry() {
  const auto now = std::chrono::steady_clock::now();
  for (auto& [partition, owned] : owned_)
    if (owned.retry_at && *owned.retry_at <= now) start(owned, owned.next);
}

void Assignment::release(const TopicPartition& partition) {
  report("resume", rd_kafka_resume_partitions(rk_, list_of(partition).get()));
}

bool Assignment::cooperative() {
  // librdkafka does not answer while it leaves the group: what it said last holds.
  if (const char* protocol = rd_kafka_rebalance_protocol(rk_); protocol != nullptr)
    cooperative_ = std::string_view(protocol) == "COOPERATIVE";
  return cooperative_;
}

bool Assignment::anything_to_start() const {
  return std::any_of(owned_.begin(), owned_.end(),
                     [](const auto& entry) { return entry.second.start.has_value(); });
}

void Assignment::carry_out() {
  if (!anything_to_start()) return;
  // Any change of the assignment would make librdkafka forget that it is lost, and the revocation
  // that is under way would look orderly.
  if (rd_kafka_assignment_lost(rk_) != 0) return;
  if (cooperative())
    start_incrementally(true);
  else
    replace_all();
}

void Assignment::answer_assigned() {
  if (cooperative())
    start_incrementally(false);
  else
    replace_all();
}

void Assignment::replace_all() {
  auto list = new_list(owned_.size());
  for (auto& [partition, owned] : owned_) {
    owned.assigned = owned.start || (owned.assigned && !owned.stopped);
    if (owned.assigned) kafka::add(list, partition, owned.start.value_or(owned.next));
  }
  report("assign", rd_kafka_assign(rk_, list.get()));
  for (auto& [partition, owned] : owned_)
    if (owned.assigned) started(owned, partition);
}

/// `restart`: also what is being fetched already. Not while the group waits for our answer: that is
/// one call, and it adds.
void Assignment::start_incrementally(bool restart) {
  auto from_elsewhere = new_list();
  auto to_start = new_list();
  for (const auto& [partition, owned] : owned_) {
    if (!owned.start || (owned.assigned && !restart)) continue;
    if (owned.assigned) kafka::add(from_elsewhere, partition);
    kafka::add(to_start, partition, *owned.start);
  }
  if (from_elsewhere->cnt > 0)
    report("unassign", ErrorHandle(rd_kafka_incremental_unassign(rk_, from_elsewhere.get())));
  report("assign", ErrorHandle(rd_kafka_incremental_assign(rk_, to_start.get())));
  for (const auto& partition : partitions_of(to_start.get())) started(*find(partition), partition);
}

void Assignment::started(Owned& owned, const TopicPartition& partition) {
  if (owned.start) owned.next = owned.reached = *owned.start;
  owned.start.reset();
  owned.assigned = true;
  owned.stopped = false;
  owned.held = false;
  if (owned.paused)
    pause(partition, owned);
  else
    owned.at_end = false;
}

void Assignment::release_pauses(std::span<const TopicPartition> partitions) {
  for (const auto& partition : partitions)
    if (auto* owned = find(partition)) resume(partition, *owned);
}

void Assignment::lose(std::span<const TopicPartition> partitions) {
  for (const auto& partition : partitions)
    if (auto* owned = find(partition)) owned->lost = true;
}

void Assignment::answer_revoked(std::span<const TopicPartition> partitions) {
  auto list = new_list(partitions.size());
  for (const auto& partition : partitions) {
    const auto* owned = find(partition);
    if (owned != nullptr && owned->assigned) kafka::add(list, partition);
  }
  if (cooperative())
    report("unassign", ErrorHandle(rd_kafka_incremental_unassign(rk_, list.get())));
  else
    report("unassign", rd_kafka_assign(rk_, nullptr));
  for (const auto& partition : partitions) owned_.erase(partition);
}

void Assignment::report(const char* call, rd_kafka_resp_err_t error) {
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return;
  voice_.say(3, std::string(call) + ": " + rd_kafka_err2str(error));
}

void Assignment::report(const char* call, ErrorHandle error) {
  if (error) voice_.say(3, std::string(call) + ": " + rd_kafka_error_string(error.get()));
}

}  // namespace kinbox::kafka
