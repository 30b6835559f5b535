#include "support/reset_offsets.hpp"

#include <librdkafka/rdkafka.h>

#include <memory>
#include <stdexcept>

#include "support/kafka.hpp"

namespace kinbox::testing {
namespace {

template <auto destroy>
struct Destroy {
  template <typename T>
  void operator()(T* handle) const {
    destroy(handle);
  }
};

void check(rd_kafka_resp_err_t error) {
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
    throw std::runtime_error(std::string("offsets not reset: ") + rd_kafka_err2str(error));
}

}  // namespace

void reset_offsets(const std::string& brokers, const std::string& group,
                   std::span<const PartitionOffset> offsets) {
  auto* const conf = rd_kafka_conf_new();
  rd_kafka_conf_set(conf, "bootstrap.servers", brokers.c_str(), nullptr, 0);
  const std::unique_ptr<rd_kafka_t, Destroy<rd_kafka_destroy>> client(
      rd_kafka_new(RD_KAFKA_PRODUCER, conf, nullptr, 0));
  const std::unique_ptr<rd_kafka_topic_partition_list_t,
                        Destroy<rd_kafka_topic_partition_list_destroy>>
      list(rd_kafka_topic_partition_list_new(static_cast<int>(offsets.size())));
  for (const auto& [partition, offset] : offsets)
    rd_kafka_topic_partition_list_add(list.get(), partition.topic.c_str(), partition.partition)
        ->offset = offset;
  const std::unique_ptr<rd_kafka_AlterConsumerGroupOffsets_t,
                        Destroy<rd_kafka_AlterConsumerGroupOffsets_destroy>>
      request(rd_kafka_AlterConsumerGroupOffsets_new(group.c_str(), list.get()));
  const std::unique_ptr<rd_kafka_queue_t, Destroy<rd_kafka_queue_destroy>> queue(
      rd_kafka_queue_new(client.get()));
  auto* raw = request.get();
  rd_kafka_AlterConsumerGroupOffsets(client.get(), &raw, 1, nullptr, queue.get());
  const std::unique_ptr<rd_kafka_event_t, Destroy<rd_kafka_event_destroy>> event(
      rd_kafka_queue_poll(queue.get(), 30'000));
  if (!event) throw std::runtime_error("offsets not reset: no answer");
  check(rd_kafka_event_error(event.get()));
  std::size_t count = 0;
  const auto* const* groups = rd_kafka_AlterConsumerGroupOffsets_result_groups(
      rd_kafka_event_AlterConsumerGroupOffsets_result(event.get()), &count);
  if (const auto* const error = rd_kafka_group_result_error(groups[0]); error != nullptr)
    check(rd_kafka_error_code(error));
  const auto* const done = rd_kafka_group_result_partitions(groups[0]);
  for (int i = 0; done != nullptr && i < done->cnt; ++i) check(done->elems[i].err);
}

}  // namespace kinbox::testing
