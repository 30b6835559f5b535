#pragma once

#include <span>
#include <string_view>

#include "run_clock.hpp"
#include "task.hpp"

namespace kinbox::bench {

/// One way to do the job. `run` returns when all records are committed or the clock was told of a
/// failure.
struct Contender {
  std::string_view name;
  void (*run)(const Task&, RunClock&);
  /// Whether `consumer_progress` says how far it is.
  bool keeps_position;
};

/// kinbox's Worker with an ordinary handler.
void run_kinbox(const Task& task, RunClock& clock);

/// The design that guides teach: each record in a transaction of its own, that asks for the id
/// first; offsets are told once per poll.
void run_per_message(const Task& task, RunClock& clock);
void per_message_on_postgres(const Task& task, RunClock& clock);
void per_message_on_sqlite(const Task& task, RunClock& clock);

/// What a careful engineer writes by hand for one service: each poll in one transaction, fenced
/// position, one claim for all ids, one INSERT per event.
void run_batch_loop(const Task& task, RunClock& clock);
void batch_loop_on_postgres(const Task& task, RunClock& clock);
void batch_loop_on_sqlite(const Task& task, RunClock& clock);

std::span<const Contender> all_contenders();

}  // namespace kinbox::bench
