#include "kafka/log_queries.hpp"

#include "kafka/partition_list.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::kafka {
namespace {

int to_int(std::chrono::milliseconds timeout) { return static_cast<int>(timeout.count()); }

[[noreturn]] void unanswered(const std::string& question, const TopicPartition& partition,
                             rd_kafka_resp_err_t error) {
  throw InfrastructureError(question + " of " + partition.topic + "/" +
                            std::to_string(partition.partition) + ": " + rd_kafka_err2str(error));
}

Offset answer(const std::string& question, const TopicPartition& partition,
              const PartitionListHandle& list, rd_kafka_resp_err_t error) {
  const auto& element = list->elems[0];
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) error = element.err;
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) unanswered(question, partition, error);
  return element.offset;
}

/// `when` is a time in milliseconds, or one of the protocol's two special times, which librdkafka
/// passes on: beginning (-2) and end (-1). rd_kafka_query_watermark_offsets would be the call for
/// those two, but does not keep its timeout before 2.12.
Offset list_offset(rd_kafka_t* rk, const TopicPartition& partition, std::int64_t when,
                   std::chrono::milliseconds timeout) {
  const auto list = list_of(partition, when);
  const auto error = rd_kafka_offsets_for_times(rk, list.get(), to_int(timeout));
  return answer("offset", partition, list, error);
}

}  // namespace

std::optional<Offset> committed_offset(rd_kafka_t* rk, const TopicPartition& partition,
                                       std::chrono::milliseconds timeout) {
  const auto list = list_of(partition);
  const auto error = rd_kafka_committed(rk, list.get(), to_int(timeout));
  const auto offset = answer("committed offset", partition, list, error);
  if (offset < 0) return std::nullopt;
  return offset;
}

LogRange log_range(rd_kafka_t* rk, const TopicPartition& partition,
                   std::chrono::milliseconds timeout) {
  const auto start = list_offset(rk, partition, RD_KAFKA_OFFSET_BEGINNING, timeout);
  return {.start = start, .end = list_offset(rk, partition, RD_KAFKA_OFFSET_END, timeout)};
}

std::vector<std::optional<Offset>> readable_ends(rd_kafka_t* rk,
                                                 std::span<const TopicPartition> partitions,
                                                 std::chrono::milliseconds timeout) {
  const auto list = new_list(partitions.size());
  for (const auto& partition : partitions) add(list, partition, RD_KAFKA_OFFSET_END);
  const auto error = rd_kafka_offsets_for_times(rk, list.get(), to_int(timeout));
  std::vector<std::optional<Offset>> ends(partitions.size());
  for (std::size_t i = 0; i < ends.size() && error == RD_KAFKA_RESP_ERR_NO_ERROR; ++i)
    if (const auto& element = list->elems[i];
        element.err == RD_KAFKA_RESP_ERR_NO_ERROR && element.offset >= 0)
      ends[i] = element.offset;
  return ends;
}

Offset offset_at(rd_kafka_t* rk, const TopicPartition& partition, Timestamp time,
                 std::chrono::milliseconds timeout) {
  const auto milliseconds = time.time_since_epoch().count();
  const auto found = list_offset(rk, partition, std::max<std::int64_t>(0, milliseconds), timeout);
  // Nothing that new.
  return found >= 0 ? found : list_offset(rk, partition, RD_KAFKA_OFFSET_END, timeout);
}

std::string cluster_id(rd_kafka_t* rk, std::chrono::milliseconds timeout) {
  // Asked for at once; rd_kafka_clusterid alone waits for the next routine request.
  const rd_kafka_metadata_t* brokers = nullptr;
  const auto error = rd_kafka_metadata(rk, 0, nullptr, &brokers, to_int(timeout));
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
    throw InfrastructureError(std::string("no broker answers (") + rd_kafka_err2str(error) +
                              "); check bootstrap.servers and security.protocol");
  rd_kafka_metadata_destroy(brokers);
  char* raw = rd_kafka_clusterid(rk, to_int(timeout));
  if (raw == nullptr) return {};  // a broker that tells none
  std::string id = raw;
  rd_kafka_mem_free(rk, raw);
  return id;
}

}  // namespace kinbox::kafka
