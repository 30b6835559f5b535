#include "core/control_watch.hpp"

#include <utility>

#include "core/own_statements.hpp"

namespace kinbox {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kVersion =
    "SELECT control_version FROM {kinbox}.consumers WHERE name = $1";
// Whoever owns them by now: we may have lost one without knowing, and have to take it again.
constexpr std::string_view kPartitions =
    "SELECT topic, partition, control_version FROM {kinbox}.consumer_progress "
    "WHERE consumer = $1";

}  // namespace

ControlWatch::ControlWatch(Parts parts)
    : parts_(std::move(parts)),
      version_(parts_.database.dialect().render(kVersion)),
      partitions_(parts_.database.dialect().render(kPartitions)) {}

std::vector<OwnedPartition*> ControlWatch::changed(OwnedPartitions& partitions) {
  std::vector<OwnedPartition*> found;
  if (partitions.empty() || Clock::now() < next_) return found;
  next_ = Clock::now() + parts_.interval;
  own_transaction(parts_.database, "control", [&](OpenTransaction& tx) {
    found.clear();
    const auto rows = tx.query(version_, parts_.consumer);
    const auto version = rows.empty() ? 0 : rows[0].get<std::int64_t>(0);
    if (seen_ == version) return;
    for (const auto row : tx.query(partitions_, parts_.consumer)) {
      const auto partition = partitions.find(
          {row.get<std::string>(0), static_cast<std::int32_t>(row.get<std::int64_t>(1))});
      if (partition == partitions.end()) continue;
      if (partition->second.state == OwnedPartition::State::kUnclaimed) continue;
      if (partition->second.claim.control_version != row.get<std::int64_t>(2))
        found.push_back(&partition->second);
    }
    seen_ = version;
  });
  return found;
}

}  // namespace kinbox
