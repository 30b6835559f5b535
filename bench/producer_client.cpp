#include "producer_client.hpp"

#include <librdkafka/rdkafka.h>

#include <array>
#include <stdexcept>

namespace kinbox::bench {

kafka::ClientHandle make_producer(const std::string& brokers, std::chrono::milliseconds linger,
                                  ReportCallback on_report, void* opaque) {
  kafka::ConfHandle conf(rd_kafka_conf_new());
  std::array<char, 512> error{};
  const auto set = [&](const char* key, const char* value) {
    if (rd_kafka_conf_set(conf.get(), key, value, error.data(), error.size()) != RD_KAFKA_CONF_OK)
      throw std::runtime_error(error.data());
  };
  set("bootstrap.servers", brokers.c_str());
  set("linger.ms", std::to_string(linger.count()).c_str());
  set("socket.nagle.disable", "true");
  set("enable.idempotence", "true");
  set("partitioner", "murmur2_random");
  rd_kafka_conf_set_opaque(conf.get(), opaque);
  if (on_report != nullptr) rd_kafka_conf_set_dr_msg_cb(conf.get(), on_report);
  kafka::ClientHandle client(
      rd_kafka_new(RD_KAFKA_PRODUCER, conf.get(), error.data(), error.size()));
  if (!client) throw std::runtime_error(error.data());
  conf.release();
  return client;
}

}  // namespace kinbox::bench
