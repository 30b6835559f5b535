#include "kafka/partition_list.hpp"

namespace kinbox::kafka {

PartitionListHandle new_list(std::size_t capacity) {
  return PartitionListHandle(rd_kafka_topic_partition_list_new(static_cast<int>(capacity)));
}

void add(const PartitionListHandle& list, const TopicPartition& partition, Offset offset) {
  rd_kafka_topic_partition_list_add(list.get(), partition.topic.c_str(), partition.partition)
      ->offset = offset;
}

PartitionListHandle list_of(const TopicPartition& partition, Offset offset) {
  auto list = new_list();
  add(list, partition, offset);
  return list;
}

PartitionListHandle list_of(std::span<const PartitionOffset> positions) {
  auto list = new_list(positions.size());
  for (const auto& [partition, offset] : positions) add(list, partition, offset);
  return list;
}

std::vector<TopicPartition> partitions_of(const rd_kafka_topic_partition_list_t* list) {
  std::vector<TopicPartition> partitions;
  partitions.reserve(static_cast<std::size_t>(list->cnt));
  for (int i = 0; i < list->cnt; ++i)
    partitions.push_back({list->elems[i].topic, list->elems[i].partition});
  return partitions;
}

}  // namespace kinbox::kafka
