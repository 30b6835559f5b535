#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <stop_token>

#include "kinbox/database.hpp"
#include "kinbox/observer.hpp"
#include "kinbox/publisher.hpp"

namespace kinbox {

struct RelayOptions {
  /// How long a relay may keep its lanes without renewing them.
  std::chrono::milliseconds lease{30'000};
  /// Rows under way, and read at a time.
  std::size_t batch = 500;
  /// How often it looks for rows when nobody says that there are any.
  std::chrono::milliseconds idle_poll{1'000};
  /// How long rows stay after they were sent; then they are deleted, `prune_batch` at a time.
  std::chrono::milliseconds retention = std::chrono::days{7};
  std::chrono::milliseconds prune_every = std::chrono::minutes{1};
  std::size_t prune_batch = 1'000;
};

/// Carries outbox rows to Kafka, events and dead letters alike, at least once, with a stable id and
/// per key in order: of each topic and key one row at a time is under way, and many keys are.
///
/// Leases lanes (hash of topic and key), so any number of relays may run in any number of
/// processes. A row is marked only after the broker acknowledged it. What fails for now (the broker
/// is away, the topic is missing) waits, with growing pauses for its topic. What the broker will
/// never take is set aside as `refused`: an event keeps the later ones of its key waiting until a
/// person retries or discards it, a dead letter does not.
///
/// Thread of its own, connection of its own.
class OutboxRelay {
 public:
  OutboxRelay(std::unique_ptr<Database> database, std::unique_ptr<Publisher> publisher,
              RelayOptions options, Observer& observer);
  ~OutboxRelay();

  /// Reads once what waits, and settles it as far as a third of the lease allows. Returns how many
  /// rows were marked as sent or set aside. Throws InfrastructureError when the database is away.
  std::size_t run_once();

  /// Works until `stop`, then gives the lanes back. Outages of database and broker are waited out
  /// with backoff. Looks at once when `wake` is called or, on PostgreSQL, a transaction that
  /// emitted commits; at every idle_poll anyway.
  void run(std::stop_token stop);

  /// There are rows: whoever emitted in this process may say so after COMMIT. From any thread.
  void wake() noexcept;

  /// Deletes sent rows older than the retention, one batch of them; returns how many. `run` does so
  /// by itself. Throws InfrastructureError.
  std::size_t prune();

  /// Gives the lanes back, so that another relay need not wait for the lease to end.
  void release() noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kinbox
