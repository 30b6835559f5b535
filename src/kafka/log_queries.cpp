#include "kafka/log_queries.hpp"

#include "core/coordinates_text.hpp"
#include "kafka/partition_list.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::kafka {
namespace {

int to_int(std::chrono::milliseconds timeout) { return static_cast<int>(timeout.count()); }

[[noreturn]] void unanswered(const TopicPartition& partition, rd_kafka_resp_err_t error) {
  throw InfrastructureError("offset of " + partition_text(partition) + ": " +
                            rd_kafka_err2str(error));
}

rd_kafka_resp_err_t ask(rd_kafka_t* rk, Question question, const PartitionListHandle& list,
                        std::chrono::milliseconds timeout) {
  if (question == kCommitted) return rd_kafka_committed(rk, list.get(), to_int(timeout));
  // Beginning and end are special times to the protocol, which librdkafka passes on.
  // rd_kafka_query_watermark_offsets would be the call for those two, but does not keep its timeout
  // before 2.12.
  return rd_kafka_offsets_for_times(rk, list.get(), to_int(timeout));
}

}  // namespace

Answers ask_brokers(rd_kafka_t* rk, Question question, std::span<const TopicPartition> partitions,
                    std::chrono::milliseconds timeout) {
  const auto list = new_list(partitions.size());
  for (const auto& partition : partitions) add(list, partition, question);
  const auto error = ask(rk, question, list, timeout);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR && !partitions.empty())
    unanswered(partitions.front(), error);
  Answers answers;
  for (std::size_t i = 0; i < partitions.size(); ++i)
    answers.emplace(partitions[i], Answer{list->elems[i].offset, list->elems[i].err});
  return answers;
}

Offset offset_for(const TopicPartition& partition, const Answers& answers) {
  const auto& [offset, error] = answers.at(partition);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) unanswered(partition, error);
  return offset;
}

std::vector<std::optional<Offset>> readable_ends(rd_kafka_t* rk,
                                                 std::span<const TopicPartition> partitions,
                                                 std::chrono::milliseconds timeout) {
  std::vector<std::optional<Offset>> ends(partitions.size());
  try {
    const auto answers = ask_brokers(rk, kLogEnd, partitions, timeout);
    for (std::size_t i = 0; i < ends.size(); ++i)
      if (const auto& [offset, error] = answers.at(partitions[i]);
          error == RD_KAFKA_RESP_ERR_NO_ERROR && offset >= 0)
        ends[i] = offset;
  } catch (const InfrastructureError&) {
    // Then nobody knows.
  }
  return ends;
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
