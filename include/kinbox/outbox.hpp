#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "kinbox/database.hpp"
#include "kinbox/observer.hpp"
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

struct RelayOptions {
  /// How long a relay may keep its lanes without renewing them.
  std::chrono::milliseconds lease{30'000};
  /// Rows in one round.
  std::size_t batch = 200;
  /// Pause when there was nothing to do.
  std::chrono::milliseconds idle_poll{1'000};
};

/// Carries outbox rows to Kafka, at least once, per key in order, with a stable id.
///
/// Leases lanes (hash of topic and key), so any number of relays may run in any number of
/// processes. A row is marked only after the broker acknowledged it; what cannot be delivered
/// waits, and blocks only its own key. Thread of its own, connection of its own.
class OutboxRelay {
 public:
  OutboxRelay(std::unique_ptr<Database> database, std::unique_ptr<Publisher> publisher,
              RelayOptions options, Observer& observer);
  ~OutboxRelay();

  /// One round: lease, publish, mark. Returns how many rows were marked. Throws InfrastructureError
  /// when the database is away.
  std::size_t run_once();

  /// Rounds until `stop`, then release(). Outages of database and broker are waited out with
  /// backoff.
  void run(std::stop_token stop);

  /// Gives the lanes back, so that another relay need not wait for the lease to end.
  void release() noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// The lane of a key: fnv1a64(topic, 0x00, key) mod 64; records without a key use their source
/// coordinates.
int outbox_lane(std::string_view topic, std::string_view key);

}  // namespace kinbox
