#include "kafka/teller.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "kafka/our_mark.hpp"
#include "kafka/partition_list.hpp"

namespace kinbox::kafka {
namespace {

constexpr int kDebug = 7;

PartitionListHandle to_list(const std::map<TopicPartition, Offset>& positions) {
  auto list = new_list(positions.size());
  for (const auto& [partition, offset] : positions) add(list, partition, offset);
  for (int i = 0; i < list->cnt; ++i) set_our_mark(list->elems[i]);
  return list;
}

int milliseconds_until(std::chrono::steady_clock::time_point deadline) {
  const auto left = deadline - std::chrono::steady_clock::now();
  return static_cast<int>(
      std::max<std::int64_t>(0, std::chrono::ceil<std::chrono::milliseconds>(left).count()));
}

}  // namespace

Teller::Teller(rd_kafka_t* rk, Voice& voice)
    : rk_(rk), voice_(voice), results_(rd_kafka_queue_new(rk)) {}

void Teller::tell(std::span<const PartitionOffset> positions) {
  for (const auto& [partition, offset] : positions) {
    if (newest(partition) == offset) continue;
    waiting_.insert_or_assign(partition, offset);
    fresh_ = true;
  }
  serve();
}

std::optional<Offset> Teller::newest(const TopicPartition& partition) const {
  for (const auto* positions : {&waiting_, &sent_, &told_}) {
    const auto found = positions->find(partition);
    if (found != positions->end()) return found->second;
  }
  return std::nullopt;
}

void Teller::serve() {
  if (under_way_) rd_kafka_queue_poll_callback(results_.get(), 0);
  if (!under_way_ && fresh_) send();
}

void Teller::flush(std::chrono::steady_clock::time_point deadline) {
  const auto await = [&] {
    while (under_way_ && std::chrono::steady_clock::now() < deadline)
      rd_kafka_queue_poll_callback(results_.get(), milliseconds_until(deadline));
  };
  await();
  if (!under_way_ && !waiting_.empty()) send();
  await();
}

void Teller::forget(const TopicPartition& partition) {
  waiting_.erase(partition);
  sent_.erase(partition);
  told_.erase(partition);
}

void Teller::send() {
  sent_ = std::exchange(waiting_, {});
  fresh_ = false;
  if (sent_.empty()) return;
  under_way_ = rd_kafka_commit_queue(rk_, to_list(sent_).get(), results_.get(), &on_result, this) ==
               RD_KAFKA_RESP_ERR_NO_ERROR;
}

void Teller::on_result(rd_kafka_t*, rd_kafka_resp_err_t error,
                       rd_kafka_topic_partition_list_t* offsets, void* teller) {
  static_cast<Teller*>(teller)->take_result(error, offsets);
}

void Teller::take_result(rd_kafka_resp_err_t error,
                         const rd_kafka_topic_partition_list_t* offsets) {
  under_way_ = false;
  for (int i = 0; offsets != nullptr && error == RD_KAFKA_RESP_ERR_NO_ERROR && i < offsets->cnt;
       ++i)
    error = offsets->elems[i].err;
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
    for (const auto& [partition, offset] : sent_) told_.insert_or_assign(partition, offset);
  } else {
    voice_.say(kDebug, std::string("telling Kafka the position: ") + rd_kafka_err2str(error));
    waiting_.merge(sent_);  // what waits is newer and stays
  }
  sent_.clear();
}

}  // namespace kinbox::kafka
