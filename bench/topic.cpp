#include "topic.hpp"

#include <librdkafka/rdkafka.h>

#include <array>
#include <stdexcept>

#include "kafka/handles.hpp"
#include "orders.hpp"

namespace kinbox::bench {
namespace {

using kafka::Destroy;
constexpr int kTimeoutMilliseconds = 30'000;

using NewTopic = std::unique_ptr<rd_kafka_NewTopic_t, Destroy<rd_kafka_NewTopic_destroy>>;

kafka::ClientHandle producer(const std::string& brokers) {
  kafka::ConfHandle conf(rd_kafka_conf_new());
  std::array<char, 512> error{};
  const auto set = [&](const char* key, const char* value) {
    if (rd_kafka_conf_set(conf.get(), key, value, error.data(), error.size()) != RD_KAFKA_CONF_OK)
      throw std::runtime_error(error.data());
  };
  set("bootstrap.servers", brokers.c_str());
  set("linger.ms", "20");
  set("enable.idempotence", "true");
  set("partitioner", "murmur2_random");
  kafka::ClientHandle client(
      rd_kafka_new(RD_KAFKA_PRODUCER, conf.get(), error.data(), error.size()));
  if (!client) throw std::runtime_error(error.data());
  conf.release();
  return client;
}

void create(rd_kafka_t* client, const TopicContent& content) {
  std::array<char, 512> error{};
  const NewTopic topic(rd_kafka_NewTopic_new(content.topic.c_str(), content.partitions, 1,
                                             error.data(), error.size()));
  if (!topic) throw std::runtime_error(error.data());
  const kafka::QueueHandle queue(rd_kafka_queue_new(client));
  auto* topics = topic.get();
  rd_kafka_CreateTopics(client, &topics, 1, nullptr, queue.get());
  const kafka::EventHandle event(rd_kafka_queue_poll(queue.get(), kTimeoutMilliseconds));
  if (!event) throw std::runtime_error("no answer to the creation of topic " + content.topic);
  if (rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR)
    throw std::runtime_error(rd_kafka_event_error_string(event.get()));
  std::size_t count = 0;
  const auto* results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
  for (std::size_t i = 0; i < count; ++i)
    if (rd_kafka_topic_result_error(results[i]) != RD_KAFKA_RESP_ERR_NO_ERROR)
      throw std::runtime_error(rd_kafka_topic_result_error_string(results[i]));
}

void send(rd_kafka_t* client, const std::string& topic, std::int64_t n) {
  auto key = order_id(n);
  auto value = order_json(n);
  for (;;) {
    const auto error = rd_kafka_producev(client, RD_KAFKA_V_TOPIC(topic.c_str()),
                                         RD_KAFKA_V_KEY(key.data(), key.size()),
                                         RD_KAFKA_V_VALUE(value.data(), value.size()),
                                         RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return;
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) throw std::runtime_error(rd_kafka_err2str(error));
    rd_kafka_poll(client, 100);
  }
}

}  // namespace

void produce(const std::string& brokers, const TopicContent& content) {
  const auto client = producer(brokers);
  create(client.get(), content);
  // The record that repeats is as many records younger: often in another batch, sometimes not.
  const auto is_repeat = [&](std::int64_t i) {
    return content.repeat_every > 0 && i % content.repeat_every == content.repeat_every - 1;
  };
  for (std::int64_t i = 0; i < content.records; ++i)
    send(client.get(), content.topic,
         is_repeat(i) ? i - 1 - (i / 7) % (content.repeat_every - 1) : i);
  if (rd_kafka_flush(client.get(), kTimeoutMilliseconds) != RD_KAFKA_RESP_ERR_NO_ERROR)
    throw std::runtime_error("the broker did not take all records in time");
}

}  // namespace kinbox::bench
