#include "order_producer.hpp"

#include <librdkafka/rdkafka.h>

#include <array>
#include <stdexcept>
#include <utility>

#include "orders.hpp"
#include "producer_client.hpp"

namespace kinbox::bench {
namespace {

using kafka::Destroy;
constexpr int kTimeoutMilliseconds = 30'000;

using NewTopic = std::unique_ptr<rd_kafka_NewTopic_t, Destroy<rd_kafka_NewTopic_destroy>>;

}  // namespace

OrderProducer::OrderProducer(const std::string& brokers, std::string topic,
                             std::chrono::milliseconds linger)
    : topic_(std::move(topic)), client_(make_producer(brokers, linger)) {}

void OrderProducer::create_topic(int partitions) {
  std::array<char, 512> error{};
  const NewTopic topic(
      rd_kafka_NewTopic_new(topic_.c_str(), partitions, 1, error.data(), error.size()));
  if (!topic) throw std::runtime_error(error.data());
  const kafka::QueueHandle queue(rd_kafka_queue_new(client_.get()));
  auto* topics = topic.get();
  rd_kafka_CreateTopics(client_.get(), &topics, 1, nullptr, queue.get());
  const kafka::EventHandle event(rd_kafka_queue_poll(queue.get(), kTimeoutMilliseconds));
  if (!event) throw std::runtime_error("no answer to the creation of topic " + topic_);
  if (rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR)
    throw std::runtime_error(rd_kafka_event_error_string(event.get()));
  std::size_t count = 0;
  const auto* results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
  for (std::size_t i = 0; i < count; ++i)
    if (rd_kafka_topic_result_error(results[i]) != RD_KAFKA_RESP_ERR_NO_ERROR)
      throw std::runtime_error(rd_kafka_topic_result_error_string(results[i]));
}

void OrderProducer::send(std::int64_t n) {
  auto key = order_id(n);
  auto value = order_json(n);
  for (;;) {
    const auto error = rd_kafka_producev(client_.get(), RD_KAFKA_V_TOPIC(topic_.c_str()),
                                         RD_KAFKA_V_KEY(key.data(), key.size()),
                                         RD_KAFKA_V_VALUE(value.data(), value.size()),
                                         RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return;
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) throw std::runtime_error(rd_kafka_err2str(error));
    rd_kafka_poll(client_.get(), 100);
  }
}

void OrderProducer::flush() {
  if (rd_kafka_flush(client_.get(), kTimeoutMilliseconds) != RD_KAFKA_RESP_ERR_NO_ERROR)
    throw std::runtime_error("the broker did not take all records in time");
}

}  // namespace kinbox::bench
