#pragma once

#include <librdkafka/rdkafka.h>

namespace kinbox::kafka {

/// An offset that kinbox tells a group's coordinator carries a mark (its metadata), which is how
/// one that somebody else set can be told from it: Kafka's own commands leave none.
void set_our_mark(rd_kafka_topic_partition_t& told);
bool has_our_mark(const rd_kafka_topic_partition_t& told);

}  // namespace kinbox::kafka
