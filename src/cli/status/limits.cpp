#include "cli/status/limits.hpp"

#include <algorithm>

#include "core/coordinates_text.hpp"

namespace kinbox::cli {
namespace {

class Findings {
 public:
  void add(std::string line) { lines_.push_back(std::move(line)); }

  void compare(const std::string& what, std::optional<std::int64_t> found,
               std::optional<std::int64_t> limit, const char* option) {
    if (!limit) return;
    if (!found)
      add(what + " is not known, and " + option + " wants it");
    else if (*found > *limit)
      add(what + " is " + std::to_string(*found) + ", more than " + option + ' ' +
          std::to_string(*limit));
  }

  std::vector<std::string> take() && { return std::move(lines_); }

 private:
  std::vector<std::string> lines_;
};

void look_at(const StatusLook& look, const PartitionReport& partition, const Limits& limits,
             Findings& findings) {
  const auto where = partition.consumer + ' ' + partition_text(partition.partition) + ": ";
  if (partition.stands()) findings.add(where + partition.stored_state);
  if (partition.state() == "lost")
    findings.add(where + "its owner was not seen for a while, and did not leave in order");
  findings.compare(where + "open dead letters", partition.open_dead_letters, limits.dead,
                   "--max-dead");
  findings.compare(where + "parked", partition.tally.parked, limits.parked, "--max-parked");
  findings.compare(where + "lag", look.lag(partition), limits.lag, "--max-lag");
  findings.compare(where + "lag in seconds", look.lag_seconds(partition), limits.lag_seconds,
                   "--max-lag-seconds");
  if (partition.state() == "retrying")
    findings.compare(
        where + "seconds of trying offset " + std::to_string(partition.retry->offset) + " again",
        partition.retry->seconds, limits.retry_seconds, "--max-retry-seconds");
}

}  // namespace

std::optional<std::int64_t> StatusLook::lag(const PartitionReport& partition) const {
  const auto end = logs.ends.find(partition.partition);
  if (end == logs.ends.end()) return std::nullopt;
  return end->second - partition.next_offset;
}

std::optional<std::int64_t> StatusLook::lag_seconds(const PartitionReport& partition) const {
  const auto offsets = lag(partition);
  if (!offsets) return std::nullopt;
  if (*offsets <= 0) return 0;
  const auto next = logs.next_records.find({partition.partition, partition.next_offset});
  if (next == logs.next_records.end()) return std::nullopt;
  const auto behind = std::chrono::floor<std::chrono::seconds>(at - next->second).count();
  return std::max<std::int64_t>(behind, 0);
}

std::vector<std::string> not_clean(const StatusLook& look, const Limits& limits) {
  Findings findings;
  for (const auto& partition : look.partitions) look_at(look, partition, limits, findings);
  findings.compare("outbox: pending", look.backlog.outbox_pending, limits.outbox, "--max-outbox");
  findings.compare("mails: waiting", look.backlog.mails_waiting, limits.mails, "--max-mails");
  return std::move(findings).take();
}

}  // namespace kinbox::cli
