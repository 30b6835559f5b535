#include "kinbox/kafka/admin.hpp"

#include <array>

#include "kafka/admin_client.hpp"
#include "kafka/partition_list.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::kafka {
namespace {

using NewTopicHandle = std::unique_ptr<rd_kafka_NewTopic_t, Destroy<rd_kafka_NewTopic_destroy>>;
using DeleteTopicHandle =
    std::unique_ptr<rd_kafka_DeleteTopic_t, Destroy<rd_kafka_DeleteTopic_destroy>>;
using NewPartitionsHandle =
    std::unique_ptr<rd_kafka_NewPartitions_t, Destroy<rd_kafka_NewPartitions_destroy>>;
using DeleteRecordsHandle =
    std::unique_ptr<rd_kafka_DeleteRecords_t, Destroy<rd_kafka_DeleteRecords_destroy>>;
using ConfigResourceHandle =
    std::unique_ptr<rd_kafka_ConfigResource_t, Destroy<rd_kafka_ConfigResource_destroy>>;

void check(const std::string& what, const rd_kafka_topic_result_t* const* results,
           std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    check_answer(what, rd_kafka_topic_result_error(results[i]),
                 rd_kafka_topic_result_error_string(results[i]));
}

}  // namespace

class Admin::Impl : public AdminClient {
 public:
  using AdminClient::AdminClient;
};

Admin::Admin(const Settings& settings, std::chrono::milliseconds timeout)
    : impl_(std::make_unique<Impl>(settings, timeout)) {}

Admin::~Admin() = default;

void Admin::create_topic(const NewTopic& topic) {
  const auto what = "creating topic \"" + topic.name + "\"";
  std::array<char, 256> error{};
  const NewTopicHandle request(rd_kafka_NewTopic_new(
      topic.name.c_str(), topic.partitions, topic.replication_factor, error.data(), error.size()));
  if (!request) throw ConfigurationError(what + ": " + error.data());
  for (const auto& [key, value] : topic.config)
    rd_kafka_NewTopic_set_config(request.get(), key.c_str(), value.c_str());
  auto* raw = request.get();
  const auto event =
      impl_->ask(what, RD_KAFKA_ADMIN_OP_CREATETOPICS, [&](auto* options, auto* queue) {
        rd_kafka_CreateTopics(impl_->client(), &raw, 1, options, queue);
      });
  std::size_t count = 0;
  const auto* results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
  check(what, results, count);
}

void Admin::delete_topic(const std::string& topic) {
  const auto what = "deleting topic \"" + topic + "\"";
  const DeleteTopicHandle request(rd_kafka_DeleteTopic_new(topic.c_str()));
  auto* raw = request.get();
  const auto event =
      impl_->ask(what, RD_KAFKA_ADMIN_OP_DELETETOPICS, [&](auto* options, auto* queue) {
        rd_kafka_DeleteTopics(impl_->client(), &raw, 1, options, queue);
      });
  std::size_t count = 0;
  const auto* results =
      rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event.get()), &count);
  check(what, results, count);
}

void Admin::create_partitions(const std::string& topic, int total) {
  const auto what = "adding partitions to topic \"" + topic + "\"";
  std::array<char, 256> error{};
  const NewPartitionsHandle request(rd_kafka_NewPartitions_new(
      topic.c_str(), static_cast<std::size_t>(total), error.data(), error.size()));
  if (!request) throw ConfigurationError(what + ": " + error.data());
  auto* raw = request.get();
  const auto event =
      impl_->ask(what, RD_KAFKA_ADMIN_OP_CREATEPARTITIONS, [&](auto* options, auto* queue) {
        rd_kafka_CreatePartitions(impl_->client(), &raw, 1, options, queue);
      });
  std::size_t count = 0;
  const auto* results = rd_kafka_CreatePartitions_result_topics(
      rd_kafka_event_CreatePartitions_result(event.get()), &count);
  check(what, results, count);
}

void Admin::delete_records(std::span<const PartitionOffset> before) {
  const std::string what = "deleting records";
  const auto list = list_of(before);
  const DeleteRecordsHandle request(rd_kafka_DeleteRecords_new(list.get()));
  auto* raw = request.get();
  const auto event =
      impl_->ask(what, RD_KAFKA_ADMIN_OP_DELETERECORDS, [&](auto* options, auto* queue) {
        rd_kafka_DeleteRecords(impl_->client(), &raw, 1, options, queue);
      });
  const auto* offsets =
      rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event.get()));
  for (int i = 0; i < offsets->cnt; ++i)
    check_answer(what + " of topic \"" + offsets->elems[i].topic + "\"", offsets->elems[i].err,
                 nullptr);
}

std::map<std::string, int> Admin::topics() {
  const rd_kafka_metadata_t* raw = nullptr;
  // All topics: asking for one by name creates it where brokers do that.
  impl_->answered("reading the list of topics",
                  rd_kafka_metadata(impl_->client(), 1, nullptr, &raw, impl_->timeout()), nullptr);
  const std::unique_ptr<const rd_kafka_metadata_t, Destroy<rd_kafka_metadata_destroy>> owner(raw);
  std::map<std::string, int> counts;
  for (int i = 0; i < raw->topic_cnt; ++i)
    counts.emplace(raw->topics[i].topic, raw->topics[i].partition_cnt);
  return counts;
}

std::optional<int> Admin::partition_count(const std::string& topic) {
  const auto counts = topics();
  const auto found = counts.find(topic);
  return found == counts.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::string> Admin::topic_config(const std::string& topic, const std::string& key) {
  const auto what = "reading the configuration of topic \"" + topic + "\"";
  const ConfigResourceHandle request(
      rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str()));
  auto* raw = request.get();
  const auto event =
      impl_->ask(what, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, [&](auto* options, auto* queue) {
        rd_kafka_DescribeConfigs(impl_->client(), &raw, 1, options, queue);
      });
  std::size_t count = 0;
  const auto* const* resources = rd_kafka_DescribeConfigs_result_resources(
      rd_kafka_event_DescribeConfigs_result(event.get()), &count);
  check_answer(what, rd_kafka_ConfigResource_error(resources[0]),
               rd_kafka_ConfigResource_error_string(resources[0]));
  const auto* const* entries = rd_kafka_ConfigResource_configs(resources[0], &count);
  for (std::size_t i = 0; i < count; ++i)
    if (key == rd_kafka_ConfigEntry_name(entries[i])) return rd_kafka_ConfigEntry_value(entries[i]);
  return std::nullopt;
}

}  // namespace kinbox::kafka
