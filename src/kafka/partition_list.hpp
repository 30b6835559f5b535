#pragma once

#include <span>
#include <vector>

#include "kafka/handles.hpp"
#include "kinbox/record.hpp"
#include "kinbox/source.hpp"

namespace kinbox::kafka {

PartitionListHandle new_list(std::size_t capacity = 1);
void add(const PartitionListHandle& list, const TopicPartition& partition,
         Offset offset = RD_KAFKA_OFFSET_INVALID);

PartitionListHandle list_of(const TopicPartition& partition,
                            Offset offset = RD_KAFKA_OFFSET_INVALID);
PartitionListHandle list_of(std::span<const PartitionOffset> positions);

std::vector<TopicPartition> partitions_of(const rd_kafka_topic_partition_list_t* list);

}  // namespace kinbox::kafka
