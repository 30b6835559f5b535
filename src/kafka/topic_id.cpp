#include <algorithm>
#include <array>
#include <span>
#include <string>

#include "kafka/handles.hpp"
#include "kafka/log_queries.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::kafka {

#if RD_KAFKA_VERSION >= 0x020300ff
namespace {

using TopicsHandle =
    std::unique_ptr<rd_kafka_TopicCollection_t, Destroy<rd_kafka_TopicCollection_destroy>>;
using OptionsHandle =
    std::unique_ptr<rd_kafka_AdminOptions_t, Destroy<rd_kafka_AdminOptions_destroy>>;

EventHandle describe(rd_kafka_t* rk, const std::string& topic, std::chrono::milliseconds timeout) {
  const auto milliseconds = static_cast<int>(timeout.count());
  auto names = std::to_array({topic.c_str()});
  const TopicsHandle topics(rd_kafka_TopicCollection_of_topic_names(names.data(), names.size()));
  const OptionsHandle options(rd_kafka_AdminOptions_new(rk, RD_KAFKA_ADMIN_OP_DESCRIBETOPICS));
  rd_kafka_AdminOptions_set_request_timeout(options.get(), milliseconds, nullptr, 0);
  const QueueHandle queue(rd_kafka_queue_new(rk));
  rd_kafka_DescribeTopics(rk, topics.get(), options.get(), queue.get());
  EventHandle answer(rd_kafka_queue_poll(queue.get(), milliseconds));
  if (answer && rd_kafka_event_error(answer.get()) == RD_KAFKA_RESP_ERR_NO_ERROR) return answer;
  throw InfrastructureError(
      "id of topic " + topic + ": " +
      (answer ? rd_kafka_event_error_string(answer.get()) : "no broker answered in time"));
}

/// Sent by brokers that have none.
bool is_none(const rd_kafka_Uuid_t* id) {
  return id == nullptr || (rd_kafka_Uuid_most_significant_bits(id) == 0 &&
                           rd_kafka_Uuid_least_significant_bits(id) == 0);
}

/// Whom to ask is the controller. The mock cluster names none, or one that it does not have; such a
/// one would be waited for in vain.
bool has_controller(rd_kafka_t* rk, std::chrono::milliseconds timeout) {
  const auto milliseconds = static_cast<int>(timeout.count());
  const auto id = rd_kafka_controllerid(rk, milliseconds);
  if (id < 0) return false;
  const rd_kafka_metadata_t* cluster = nullptr;
  const auto error = rd_kafka_metadata(rk, 0, nullptr, &cluster, milliseconds);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
    throw InfrastructureError(std::string("asking for the controller: ") + rd_kafka_err2str(error));
  const std::span brokers(cluster->brokers, static_cast<std::size_t>(cluster->broker_cnt));
  const bool known = std::any_of(brokers.begin(), brokers.end(),
                                 [&](const auto& broker) { return broker.id == id; });
  rd_kafka_metadata_destroy(cluster);
  return known;
}

}  // namespace

std::string topic_id(rd_kafka_t* rk, const std::string& topic, std::chrono::milliseconds timeout) {
  if (!has_controller(rk, timeout)) return {};
  const auto answer = describe(rk, topic, timeout);
  std::size_t count = 0;
  const auto* const* topics = rd_kafka_DescribeTopics_result_topics(
      rd_kafka_event_DescribeTopics_result(answer.get()), &count);
  if (count == 0) return {};
  const auto* id = rd_kafka_TopicDescription_topic_id(topics[0]);
  return is_none(id) ? std::string() : rd_kafka_Uuid_base64str(id);
}

#else

std::string topic_id(rd_kafka_t*, const std::string&, std::chrono::milliseconds) { return {}; }

#endif

}  // namespace kinbox::kafka
