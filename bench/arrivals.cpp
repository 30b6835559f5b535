#include "arrivals.hpp"

#include <librdkafka/rdkafka.h>

#include <array>
#include <stdexcept>

#include "kafka/handles.hpp"
#include "orders.hpp"

namespace kinbox::bench {
namespace {

constexpr int kTickMilliseconds = 20;

kafka::ClientHandle make_consumer(const std::string& brokers) {
  kafka::ConfHandle conf(rd_kafka_conf_new());
  std::array<char, 512> error{};
  const auto set = [&](const char* key, const char* value) {
    if (rd_kafka_conf_set(conf.get(), key, value, error.data(), error.size()) != RD_KAFKA_CONF_OK)
      throw std::runtime_error(error.data());
  };
  set("bootstrap.servers", brokers.c_str());
  set("group.id", "arrivals");
  set("enable.auto.commit", "false");
  set("socket.nagle.disable", "true");
  kafka::ClientHandle client(
      rd_kafka_new(RD_KAFKA_CONSUMER, conf.get(), error.data(), error.size()));
  if (!client) throw std::runtime_error(error.data());
  conf.release();
  rd_kafka_poll_set_consumer(client.get());
  return client;
}

void assign_from_the_start(rd_kafka_t* client, const std::string& topic, int partitions) {
  auto* list = rd_kafka_topic_partition_list_new(partitions);
  for (int partition = 0; partition < partitions; ++partition)
    rd_kafka_topic_partition_list_add(list, topic.c_str(), partition)->offset =
        RD_KAFKA_OFFSET_BEGINNING;
  const auto error = rd_kafka_assign(client, list);
  rd_kafka_topic_partition_list_destroy(list);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) throw std::runtime_error(rd_kafka_err2str(error));
}

}  // namespace

Arrivals::Arrivals(const std::string& brokers, const std::string& topic, int partitions,
                   std::size_t orders)
    : came_(orders), missing_(orders) {
  for (std::size_t n = 0; n < orders; ++n)
    number_of_.emplace(order_id(static_cast<std::int64_t>(n)), n);
  thread_ = std::jthread([this, brokers, topic, partitions](const std::stop_token& stop) {
    try {
      read(brokers, topic, partitions, stop);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      failure_ = std::current_exception();
      changed_.notify_all();
    }
  });
}

void Arrivals::read(const std::string& brokers, const std::string& topic, int partitions,
                    const std::stop_token& stop) {
  const auto client = make_consumer(brokers);
  assign_from_the_start(client.get(), topic, partitions);
  while (!stop.stop_requested()) {
    const kafka::MessageHandle message(rd_kafka_consumer_poll(client.get(), kTickMilliseconds));
    if (!message) continue;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
      throw std::runtime_error(rd_kafka_message_errstr(message.get()));
    note({static_cast<const char*>(message->key), message->key_len});
  }
}

void Arrivals::note(const std::string& key) {
  const auto now = Clock::now();
  const auto number = number_of_.find(key);
  if (number == number_of_.end()) return;
  const std::lock_guard lock(mutex_);
  auto& moment = came_[number->second];
  if (moment != Clock::time_point{}) return;
  moment = now;
  if (--missing_ == 0) changed_.notify_all();
}

bool Arrivals::wait_for_all(std::chrono::seconds patience) {
  std::unique_lock lock(mutex_);
  const bool all = changed_.wait_for(lock, patience, [this] { return failure_ || missing_ == 0; });
  if (failure_) std::rethrow_exception(failure_);
  return all;
}

}  // namespace kinbox::bench
