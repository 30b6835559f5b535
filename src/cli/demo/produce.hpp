#pragma once

#include <string>

namespace kinbox::cli {

struct ProduceOptions {
  std::string brokers;
  std::string topic = "marketplace.order.created";
  int count = 12;
  int duplicates = 4;
  int poison = 1;
};

/// Sends orders to a broker of the user's: `count` of them, the first `duplicates` a second time,
/// and `poison` records that no consumer can decode. Throws InfrastructureError.
void produce_orders(const ProduceOptions& options);

}  // namespace kinbox::cli
