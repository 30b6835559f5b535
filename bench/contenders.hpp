#pragma once

#include <span>
#include <string_view>

#include "run_clock.hpp"
#include "task.hpp"

namespace kinbox::bench {

/// One way to do the job on one database. `run` returns when all records are committed or the clock
/// was told of a failure.
struct Contender {
  std::string_view name;
  Backend backend;
  void (*run)(const Task&, RunClock&);
};

/// kinbox's Worker with an ordinary handler: one INSERT per event.
void run_kinbox(const Task& task, RunClock& clock);
/// The same, each INSERT sent as it is: pipelined, but not coalesced. PostgreSQL.
void run_kinbox_one_by_one(const Task& task, RunClock& clock);
/// As run_kinbox, parking events that fail; none does. PostgreSQL.
void run_kinbox_parking(const Task& task, RunClock& clock);
/// The same, and events of every hundredth key wait behind one that is parked. PostgreSQL.
void run_kinbox_with_parked_keys(const Task& task, RunClock& clock);
/// With a handler whose events share 1,000 rows: `balance = balance + $1`.
void run_kinbox_on_hot_rows(const Task& task, RunClock& clock);

// Written by hand, by one who takes as much care as kinbox does: each moves a fenced position,
// claims ids, compares the fingerprints of those that are known, checks its COMMIT, tells Kafka
// without waiting. One worker each.

/// Each record in a transaction of its own.
void per_message_on_postgres(const Task& task, RunClock& clock);
void per_message_on_sqlite(const Task& task, RunClock& clock);
/// Each poll in one transaction: one claim for all ids, one INSERT per event.
void batch_loop_on_postgres(const Task& task, RunClock& clock);
void batch_loop_on_sqlite(const Task& task, RunClock& clock);
/// The same in libpq's pipeline mode: two round trips per poll.
void pipeline_loop_on_postgres(const Task& task, RunClock& clock);
/// The same, and one INSERT ... SELECT ... FROM unnest for all events of the poll.
void set_loop_on_postgres(const Task& task, RunClock& clock);

std::span<const Contender> all_contenders();
/// Null when there is none of that name on that database.
const Contender* find_contender(std::string_view name, Backend backend);

}  // namespace kinbox::bench
