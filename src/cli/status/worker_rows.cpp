#include "cli/status/worker_rows.hpp"

#include "cli/dlq/ask.hpp"

namespace kinbox::cli {
namespace {

constexpr std::string_view kWorkers = R"(
SELECT consumer, CASE WHEN seen_until >= {now} THEN 'at work' ELSE 'stale' END AS state, host, pid,
       version, partitions, CAST(started_at AS text) AS started_at,
       CAST(seen_at AS text) AS seen_at, CAST(seen_until AS text) AS seen_until, owner
  FROM {kinbox}.workers ORDER BY consumer, host, pid, owner)";

}  // namespace

Rows WorkerRows::all() { return ask(database_, "workers", {std::string(kWorkers), {}}); }

}  // namespace kinbox::cli
