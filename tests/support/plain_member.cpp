#include "support/plain_member.hpp"

#include <librdkafka/rdkafka.h>

#include <stdexcept>
#include <utility>

namespace kinbox::testing {

PlainMember::PlainMember(const std::string& brokers, const std::string& group,
                         const std::string& topic, const std::string& client_id) {
  auto* const conf = rd_kafka_conf_new();
  for (const auto& [name, value] : {std::pair{"bootstrap.servers", brokers},
                                    {"group.id", group},
                                    {"client.id", client_id},
                                    {"partition.assignment.strategy", std::string("range")}})
    if (rd_kafka_conf_set(conf, name, value.c_str(), nullptr, 0) != RD_KAFKA_CONF_OK)
      throw std::runtime_error(std::string("not taken: ") + name);
  client_.reset(rd_kafka_new(RD_KAFKA_CONSUMER, conf, nullptr, 0));
  if (!client_) throw std::runtime_error("no client");
  rd_kafka_poll_set_consumer(client_.get());
  auto* const topics = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(topics, topic.c_str(), RD_KAFKA_PARTITION_UA);
  const auto error = rd_kafka_subscribe(client_.get(), topics);
  rd_kafka_topic_partition_list_destroy(topics);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) throw std::runtime_error(rd_kafka_err2str(error));
}

void PlainMember::poll() {
  if (auto* const message = rd_kafka_consumer_poll(client_.get(), 50); message != nullptr)
    rd_kafka_message_destroy(message);
}

void PlainMember::Leave::operator()(rd_kafka_s* client) const {
  rd_kafka_consumer_close(client);
  rd_kafka_destroy(client);
}

}  // namespace kinbox::testing
