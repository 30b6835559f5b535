#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/output/table.hpp"
#include "kinbox/database.hpp"

namespace kinbox::cli {

/// What the demonstration sent.
struct Sent {
  std::int64_t orders = 0;
  std::int64_t duplicates = 0;
  std::int64_t broken = 0;
  std::int64_t strangers = 0;
  /// Orders of one key, all of which had to wait.
  std::int64_t guests = 0;

  std::int64_t records() const { return orders + duplicates + broken + strangers + guests; }
};

/// How far the consumer of the confirmations is, by SQL.
struct Standing {
  /// Offsets behind the position, all partitions together.
  std::int64_t decided = 0;
  std::int64_t confirmations = 0;
  /// Dead letters and emitted events that are not on their topic yet.
  std::int64_t pending = 0;
  /// Events that wait for an earlier failure of their key, and letters that are to be tried again.
  std::int64_t parked = 0;
  std::int64_t requested = 0;
};

Standing read_standing(Database& database);

struct Invariant {
  std::string what;
  std::int64_t expected = 0;
  std::int64_t found = 0;

  bool holds() const { return expected == found; }
};

/// Everything promised, read back by SQL.
std::vector<Invariant> read_invariants(Database& database, const Sent& sent);

Table to_table(const std::vector<Invariant>& invariants);

}  // namespace kinbox::cli
