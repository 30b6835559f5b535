#include "core/stopped_owner.hpp"

#include <optional>
#include <string_view>

#include "core/own_statements.hpp"
#include "kinbox/errors.hpp"

namespace kinbox {
namespace {

// xmax: the transaction that is changing the row. The row as committed names the process that wrote
// it and when; one that started later only has the number of one that is gone.
constexpr std::string_view kFind =
    "SELECT a.pid::text AS pid, coalesce(a.usename::text, '') AS role, a.backend_start::text AS "
    "started, coalesce(a.wait_event, a.state, '') AS waits_for "
    "FROM {kinbox}.consumer_progress p "
    "JOIN pg_catalog.pg_locks l ON l.locktype = 'transactionid' AND l.transactionid = p.xmax "
    "AND l.granted "
    "JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid "
    "WHERE p.consumer = $1 AND p.topic = $2 AND p.partition = $3 "
    "AND p.owner_session = l.pid::text AND coalesce(a.backend_start <= p.updated_at, TRUE)";

constexpr std::string_view kEnd =
    "SELECT pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity "
    "WHERE pid::text = $1 AND backend_start::text = $2";

constexpr std::string_view kNotAllowed = "42501";

struct Process {
  std::string pid;
  std::string role;
  std::string waits_for;
  /// Hidden from roles that may not look.
  std::optional<std::string> started;
};

std::string missing_right(const Process& process) {
  return "; it is kept by server process " + process.pid +
         ", in which a transaction of its last owner stands, and our role may not end that: GRANT "
         "\"" +
         process.role +
         "\" TO our role, or GRANT pg_signal_backend, pg_read_all_stats (neither ends a process of "
         "a superuser); until then pg_terminate_backend(" +
         process.pid + ") by somebody who may";
}

std::optional<Process> find(Database& database, const std::string& sql, const std::string& consumer,
                            const TopicPartition& partition) {
  std::optional<Process> found;
  own_transaction(database, "look who keeps a row", [&](OpenTransaction& tx) {
    for (const auto row : tx.query(sql, consumer, partition.topic, partition.partition))
      found = Process{row.get<std::string>("pid"), row.get<std::string>("role"),
                      row.get<std::string>("waits_for"),
                      row.get<std::optional<std::string>>("started")};
  });
  return found;
}

std::string end_process(Database& database, const Process& process) {
  const auto tx = database.begin();
  try {
    tx->query(kEnd, process.pid, *process.started);
  } catch (const SqlError& e) {
    if (e.code() != kNotAllowed) throw;
    return missing_right(process);
  }
  return "; ended server process " + process.pid +
         ", in which a transaction of its last owner stood (" + process.waits_for + ")";
}

}  // namespace

StoppedOwner::StoppedOwner(std::string consumer, const Dialect& dialect)
    : consumer_(std::move(consumer)),
      possible_(dialect.backend() == Backend::kPostgres),
      find_(dialect.render(kFind)) {}

std::string StoppedOwner::end(Database& database, const TopicPartition& partition) const {
  if (!possible_) return {};
  const auto process = find(database, find_, consumer_, partition);
  if (!process) return {};
  if (!process->started) return missing_right(*process);
  std::string said;
  own_statements("end a process", [&] { said = end_process(database, *process); });
  return said;
}

}  // namespace kinbox
