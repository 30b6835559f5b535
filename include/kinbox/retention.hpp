#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "kinbox/database.hpp"
#include "kinbox/record.hpp"

namespace kinbox {

/// How long rows stay after they are done with, on the database's clock. nullopt: for ever.
struct RetentionWindows {
  using Window = std::optional<std::chrono::milliseconds>;

  /// Events that were applied or skipped. The dedup window: an event whose record comes again while
  /// its row is there is a duplicate, later it runs again.
  Window inbox = {};
  /// Dead letters that were resolved or discarded, with their history.
  Window dead_letters = {};
  /// Rows that were sent, or discarded.
  Window outbox = {};
  /// E-mails that were sent, or discarded. Their rows keep the same mail from being sent again.
  Window mail = {};
  /// Replays that ended, with their progress; never the last one of a consumer.
  Window replays = {};
  Window audit = {};
};

struct PruneOptions {
  /// Rows of one transaction.
  std::size_t batch = 1'000;
  /// After each transaction it rests for so many times what that took, for the workers' sake.
  int rest = 4;
  /// Whether a consumer is pruned while it has a replay that has not ended.
  bool beside_replay = false;
  /// PostgreSQL: begins where the oldest rows were last time, and leaves off a sixteenth of the
  /// table behind the last one it finds. Else it reads the whole inbox.
  bool go_on = false;
  /// Called inside every transaction that deletes, with the rows it deleted.
  std::function<void(OpenTransaction&, std::int64_t rows)> on_rows = {};
};

/// What was deleted of one kind, or would be.
struct PrunedRows {
  /// "inbox", "dead_letters", "outbox", "mail", "replays", "audit".
  std::string_view what;
  /// Of the inbox: whose rows, and the partition's dedup floor afterwards.
  std::optional<TopicPartition> partition = {};
  std::optional<Offset> floor = {};
  std::int64_t rows = 0;
};

/// Deletes what is older than its window, in small transactions on a connection of its own.
///
/// Of the inbox it takes applied and skipped events only, never what is parked or dead, and only
/// below the partition's `next_offset`: what will be delivered is still known then. In no state
/// that anybody can see does a row miss at or above its partition's `dedup_floor`, which is raised,
/// under the lock of the partition's row, in the transaction that first needs it. Below the floor
/// "no row" may mean "seen long ago"; from it on it means "never seen".
///
/// May be ended and repeated at any point, and run several times at once. Every call throws
/// InfrastructureError when the database is away. One thread at a time.
class Pruner {
 public:
  using Report = std::vector<PrunedRows>;

  /// `database` is used by nobody else meanwhile, and outlives it.
  Pruner(Database& database, RetentionWindows windows, PruneOptions options = {});

  /// What is `consumer`'s own: inbox, dead letters, replays. Throws RefusedError while it has a
  /// replay that has not ended, also one that is registered meanwhile: a replay trusts the inbox.
  Report prune(const std::string& consumer, const std::stop_token& stop = {});
  /// Outbox, e-mails, audit.
  Report prune_shared(const std::stop_token& stop = {});

  /// The same, and nothing is changed.
  Report preview(const std::string& consumer);
  Report preview_shared();

 private:
  Database& database_;
  RetentionWindows windows_;
  PruneOptions options_;
};

/// The number of a replay of `consumer` that has not ended.
std::optional<std::int64_t> registered_replay(Database& database, const std::string& consumer);

}  // namespace kinbox
