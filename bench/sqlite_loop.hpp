#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "decoded_batch.hpp"
#include "reader.hpp"
#include "run_clock.hpp"
#include "sqlite_session.hpp"
#include "task.hpp"

namespace kinbox::bench {

/// What the loops that are written by hand for SQLite have in common; see PostgresLoop. Errors
/// throw std::runtime_error.
class SqliteLoop {
 public:
  explicit SqliteLoop(const Task& task);
  virtual ~SqliteLoop() = default;
  SqliteLoop(const SqliteLoop&) = delete;
  SqliteLoop& operator=(const SqliteLoop&) = delete;

  void run(RunClock& clock);

 protected:
  /// Takes the batch to its COMMIT, one or several.
  virtual void store(const DecodedBatch& batch) = 0;

  void begin() { session_.run("BEGIN IMMEDIATE"); }
  void commit() { session_.run("COMMIT"); }
  void move(std::int32_t partition, std::int64_t next);
  /// Whether the id is new.
  bool claim(const DecodedBatch::Item& item);
  void check_known(const DecodedBatch::Item& item);
  void insert(const Order& order);

 private:
  void turn(RunClock& clock);
  std::int64_t take(std::int32_t partition);

  std::string topic_;
  SqliteSession session_;
  SqliteStatement take_;
  SqliteStatement move_;
  SqliteStatement claim_;
  SqliteStatement known_;
  SqliteStatement insert_;
  std::map<std::int32_t, std::int64_t> positions_;
  Reader reader_;
};

}  // namespace kinbox::bench
