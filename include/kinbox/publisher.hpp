#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "kinbox/record.hpp"

namespace kinbox {

/// What became of a record that was handed to a Publisher.
struct Delivery {
  enum class Outcome {
    kDelivered,
    /// Worth another try: the broker is away, the topic does not exist yet.
    kRetry,
    /// Never: too large for the topic.
    kRefused,
  };

  std::uint64_t ticket = 0;
  Outcome outcome = Outcome::kDelivered;
  std::string error = {};
};

/// Takes records to Kafka, or to a script. One thread at a time.
class Publisher {
 public:
  virtual ~Publisher() = default;

  /// Hands one record over. `record.partition` and `record.offset` mean nothing: the partition
  /// follows from the key. Its delivery comes from `wait`, sooner or later, exactly once.
  virtual void publish(std::uint64_t ticket, const OwnedRecord& record) = 0;

  /// Deliveries that are known by now; waits up to `timeout` for the first. Empty if none came.
  virtual std::vector<Delivery> wait(std::chrono::milliseconds timeout) = 0;
};

}  // namespace kinbox
