#include "kinbox/kafka/admin.hpp"

#include <array>
#include <functional>
#include <string_view>
#include <utility>

#include "kafka/client_config.hpp"
#include "kafka/partition_list.hpp"
#include "kafka/voice.hpp"
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
using AdminOptionsHandle =
    std::unique_ptr<rd_kafka_AdminOptions_t, Destroy<rd_kafka_AdminOptions_destroy>>;

bool is_absence(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__TRANSPORT ||
         code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || code == RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT;
}

void check(const std::string& what, rd_kafka_resp_err_t code, const char* text) {
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return;
  const auto message = what + ": " + (text != nullptr ? text : rd_kafka_err2str(code));
  if (is_absence(code)) throw InfrastructureError(message);
  throw ConfigurationError(message);
}

void check(const std::string& what, const rd_kafka_topic_result_t* const* results,
           std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    check(what, rd_kafka_topic_result_error(results[i]),
          rd_kafka_topic_result_error_string(results[i]));
}

}  // namespace

class Admin::Impl {
 public:
  Impl(const Settings& settings, std::chrono::milliseconds timeout)
      : timeout_(static_cast<int>(timeout.count())), rk_(start(settings)) {}

  rd_kafka_t* client() const { return rk_.get(); }
  Voice& voice() noexcept { return voice_; }
  int timeout() const { return timeout_; }

  /// Sends a request by `send(options, queue)` and waits for its answer.
  EventHandle ask(const std::string& what, rd_kafka_admin_op_t operation, const auto& send) {
    const AdminOptionsHandle options(rd_kafka_AdminOptions_new(rk_.get(), operation));
    rd_kafka_AdminOptions_set_request_timeout(options.get(), timeout_, nullptr, 0);
    const QueueHandle queue(rd_kafka_queue_new(rk_.get()));
    send(options.get(), queue.get());
    EventHandle event(rd_kafka_queue_poll(queue.get(), timeout_ + 1'000));
    if (!event) throw InfrastructureError(what + ": no broker answered in time" + trouble());
    answered(what, rd_kafka_event_error(event.get()), rd_kafka_event_error_string(event.get()));
    return event;
  }

  /// Like check; for what comes from the client, not from a broker.
  void answered(const std::string& what, rd_kafka_resp_err_t code, const char* text) {
    if (is_absence(code))
      throw InfrastructureError(what + ": " + (text != nullptr ? text : rd_kafka_err2str(code)) +
                                trouble());
    check(what, code, text);
  }

 private:
  rd_kafka_t* start(const Settings& settings) {
    auto conf = admin_conf(settings);
    rd_kafka_conf_set_opaque(conf.get(), this);
    route_messages<Impl>(conf.get());
    auto* rk = start_client(RD_KAFKA_PRODUCER, std::move(conf));
    rd_kafka_set_log_queue(rk, nullptr);
    return rk;
  }

  std::string trouble() {
    rd_kafka_poll(rk_.get(), 0);
    const auto said = voice_.last_trouble();
    // Newer versions keep some reasons to their log.
    return said.empty() ? "; check security.protocol and bootstrap.servers" : said;
  }

  Observer silent_;  // exceptions say it
  Voice voice_{silent_};
  int timeout_;
  ClientHandle rk_;
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
    check(what + " of topic \"" + offsets->elems[i].topic + "\"", offsets->elems[i].err, nullptr);
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
  check(what, rd_kafka_ConfigResource_error(resources[0]),
        rd_kafka_ConfigResource_error_string(resources[0]));
  const auto* const* entries = rd_kafka_ConfigResource_configs(resources[0], &count);
  for (std::size_t i = 0; i < count; ++i)
    if (key == rd_kafka_ConfigEntry_name(entries[i])) return rd_kafka_ConfigEntry_value(entries[i]);
  return std::nullopt;
}

}  // namespace kinbox::kafka
