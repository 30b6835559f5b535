#pragma once

#include <chrono>
#include <span>

#include "kinbox/publisher.hpp"

namespace kinbox::cli {

/// Publishes `records` in order and waits until all are on Kafka. Throws InfrastructureError when
/// one was not taken, or an answer is missing after `patience`.
void send(Publisher& publisher, std::span<const OwnedRecord> records,
          std::chrono::milliseconds patience);

}  // namespace kinbox::cli
