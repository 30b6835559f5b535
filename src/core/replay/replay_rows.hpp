#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kinbox/replay.hpp"
#include "kinbox/sql_value.hpp"
#include "kinbox/transaction.hpp"

namespace kinbox {

/// A replay that is about to be recorded.
struct NewReplay {
  std::string consumer;
  ReplayChoices choices;
  std::string plan_hash;
  /// Plan and choices, as whoever takes the replay up reads them.
  std::string plan;
  std::string who;
  std::int64_t audit_id = 0;

  struct Piece {
    ReplaySlice slice;
    std::string topic_id;
    /// It goes on to the live position, wherever that is by now.
    bool to_live_position = false;
  };
  std::vector<Piece> pieces;
};

/// A row of `replays`.
struct ReplayRow {
  std::int64_t id = 0;
  std::string consumer;
  std::string mode;
  /// running, paused, done, cancelled.
  std::string state;
  std::string state_reason;
  std::int64_t generation = 0;
  std::string plan_hash;
  std::string plan;
  bool prepared = false;
  std::string owner;
};

/// The rows of `replays` and `replay_progress`, and the marks of partitions that wait for one.
/// Writes inside the caller's transaction.
class ReplayRows {
 public:
  explicit ReplayRows(const Dialect& dialect);

  /// Records the replay, as the only one of its consumer, and holds its partitions unless its
  /// choices say otherwise. Throws RefusedError when another one is active, or a piece reaches
  /// behind the live position.
  std::int64_t record(OpenTransaction& tx, const NewReplay& replay) const;

  /// From now on every COMMIT of `tx` fails: for a trial.
  void fence(OpenTransaction& tx, std::string_view consumer) const;

  std::optional<ReplayRow> find(OpenTransaction& tx, std::int64_t id) const;
  /// That one of the consumer which is running or paused.
  std::optional<ReplayRow> active(OpenTransaction& tx, std::string_view consumer) const;
  std::vector<Replayer::Progress> progress(OpenTransaction& tx, std::int64_t id) const;

  /// It is `owner`'s from now on; false if it is not running.
  bool take(OpenTransaction& tx, std::int64_t id, std::string_view owner,
            std::string_view session) const;
  /// `owner` goes away in order: what it did last is not suspected of having ended it.
  void leave(OpenTransaction& tx, std::int64_t id, std::string_view owner) const;
  /// True once: its handlers are to prepare in this transaction.
  bool prepare(OpenTransaction& tx, std::int64_t id, std::string_view owner) const;
  /// Its owner is at work.
  void touch(OpenTransaction& tx, std::int64_t id, std::string_view owner) const;

  /// Moves one partition and marks the transaction open, as Progress::open does; the number of rows
  /// is 0 when the replay is no longer `owner`'s, or not running, or elsewhere.
  Executed open(OpenTransaction& tx, std::int64_t id, std::string_view owner,
                const Replayer::Progress& from, Offset next_offset) const;
  /// Closes what `open` opened, and adds the counters of `tally` to the row's.
  /// `fresh`: of the events in `tally` those that had no verdict before.
  void close(OpenTransaction& tx, std::int64_t id, const Replayer::Progress& tally,
             std::int64_t fresh = 0) const;

  /// False if it was not running.
  bool pause(OpenTransaction& tx, std::int64_t id, std::string_view reason) const;
  /// False if it was not paused. Records that ended its process may do so anew: somebody mended
  /// what they did.
  bool resume(OpenTransaction& tx, std::int64_t id) const;
  /// Ends it as `done` or `cancelled`, and lets partitions go that it held. False if it was neither
  /// running nor paused.
  bool end(OpenTransaction& tx, std::int64_t id, std::string_view state) const;

 private:
  std::int64_t insert(OpenTransaction& tx, const NewReplay& replay) const;
  Offset hold(OpenTransaction& tx, std::string_view consumer, const TopicPartition& partition,
              std::int64_t id) const;
  Offset live_position(OpenTransaction& tx, std::string_view consumer,
                       const TopicPartition& partition) const;
  std::optional<ReplayRow> one(OpenTransaction& tx, const std::string& sql, SqlParam of) const;

  std::string insert_;
  std::string insert_trial_;
  std::string insert_fence_;
  std::string open_generation_;
  std::string insert_piece_;
  std::string hold_;
  std::string position_;
  std::string activate_;
  std::string find_;
  std::string active_;
  std::string progress_;
  std::string take_;
  std::string leave_;
  std::string prepared_;
  std::string touch_;
  std::string open_;
  std::string close_;
  std::string pause_;
  std::string resume_;
  std::string forgive_;
  std::string end_;
  std::string add_up_;
  std::string release_;
  std::string deactivate_;
};

}  // namespace kinbox
