#include "cli/position/move_plan.hpp"

#include <algorithm>

#include "cli/position/offset_words.hpp"

namespace kinbox::cli {
namespace {

std::string outside(Offset asked, const LogRange& log) {
  if (asked == within(log, asked)) return {};
  return " (" + std::to_string(asked) + " is not in the log, which has " +
         std::to_string(log.start) + " to " + std::to_string(log.end) + ')';
}

PlannedMove move_of(const StoredPosition& stored, Offset to) {
  PlannedMove planned{{stored.partition, stored.next_offset, to}, {}, to < stored.known_from()};
  if (to > stored.next_offset) {
    planned.meaning = counted_records(to - stored.next_offset) + " not consumed";
  } else {
    planned.meaning = counted_records(stored.next_offset - to) + " again";
    planned.meaning +=
        planned.unknown_again
            ? ", as new up to " + std::to_string(std::min(stored.known_from(), stored.next_offset))
            : ", as duplicates where they were decided";
  }
  return planned;
}

}  // namespace

std::string counted_records(std::int64_t count) {
  return std::to_string(count) + (count == 1 ? " record" : " records");
}

std::vector<PlannedMove> plan_moves(const std::map<TopicPartition, Offset>& wanted,
                                    const std::map<TopicPartition, LogRange>& logs,
                                    std::span<const StoredPosition> stored) {
  std::vector<PlannedMove> moves;
  for (const auto& [partition, asked] : wanted) {
    const auto& log = logs.at(partition);
    const auto to = within(log, asked);
    const auto found = std::find_if(stored.begin(), stored.end(), [&](const auto& position) {
      return position.partition == partition;
    });
    if (found != stored.end() && found->next_offset == to) continue;
    auto planned = found != stored.end()
                       ? move_of(*found, to)
                       : PlannedMove{{partition, {}, to}, "its first position", false};
    planned.meaning += outside(asked, log);
    moves.push_back(std::move(planned));
  }
  return moves;
}

}  // namespace kinbox::cli
