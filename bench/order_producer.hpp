#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "kafka/handles.hpp"

namespace kinbox::bench {

/// Sends orders by their number, keyed by order. Errors throw std::runtime_error.
class OrderProducer {
 public:
  /// `linger`: how long a record may wait for company.
  OrderProducer(const std::string& brokers, std::string topic, std::chrono::milliseconds linger);

  /// Throws also when the topic exists.
  void create_topic(int partitions);
  void send(std::int64_t n);
  /// Returns when the broker has all of it.
  void flush();

 private:
  std::string topic_;
  kafka::ClientHandle client_;
};

}  // namespace kinbox::bench
