#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "decoded_batch.hpp"
#include "libpq_session.hpp"
#include "reader.hpp"
#include "run_clock.hpp"
#include "task.hpp"

namespace kinbox::bench {

/// Text form of a bytea.
std::string bytea_text(Bytes bytes);

/// Text forms of PostgreSQL arrays, a column each, built row by row. The texts are the bench's own:
/// nothing in them needs quotes.
class ArrayText {
 public:
  void add(std::string_view text) { separated() += text; }
  void add_hash(Bytes hash);
  std::string close() && { return std::move(text_) + '}'; }

 private:
  std::string& separated();
  std::string text_ = "{";
};

/// What the loops that are written by hand with libpq have in common: read a batch, fence and move
/// the position, claim the ids, compare fingerprints of those that are known, store the new orders,
/// COMMIT, tell Kafka. How these travel is the derived loops' difference.
class PostgresLoop {
 public:
  explicit PostgresLoop(const Task& task);
  virtual ~PostgresLoop() = default;
  PostgresLoop(const PostgresLoop&) = delete;
  PostgresLoop& operator=(const PostgresLoop&) = delete;

  void run(RunClock& clock);

 protected:
  /// Parameters of the statement "move".
  struct Move {
    std::string topic;
    std::string partition;
    std::string next;
    std::string from;
    std::string epoch;
  };
  /// Parameters of the statement "claim", which returns the ids that are new.
  struct Claims {
    std::string ids;
    std::string partitions;
    std::string offsets;
    std::string hashes;
  };

  /// Takes the batch to its COMMIT, one or several.
  virtual void store(const DecodedBatch& batch) = 0;

  /// Counts on the COMMIT: a transaction that fails ends the loop.
  Move take_move(std::int32_t partition, std::int64_t next);
  static void require_moved(const LibpqSession::Result& result);

  static Claims claims_of(const DecodedBatch& batch);
  /// Sorts the batch by the answer to "claim", and checks the fingerprints of what is known.
  ClaimedBatch claimed(const DecodedBatch& batch, const LibpqSession::Result& answer);
  void check_known(const std::vector<const DecodedBatch::Item*>& known);

  /// A round trip each.
  void move(std::int32_t partition, std::int64_t next);
  void insert(const Order& order);

  LibpqSession& session() { return session_; }
  const std::string& topic() const { return topic_; }

 private:
  struct Position {
    std::int64_t next = 0;
    std::string epoch;
  };

  void turn(RunClock& clock);
  std::int64_t take(std::int32_t partition);

  std::string topic_;
  LibpqSession session_;
  std::map<std::int32_t, Position> positions_;
  Reader reader_;
};

}  // namespace kinbox::bench
