#include "cli/position/acceptance.hpp"

#include "cli/position/move_plan.hpp"
#include "cli/usage_error.hpp"
#include "core/coordinates_text.hpp"

namespace kinbox::cli {
namespace {

using Way = Acceptance::Way;

/// Whether another topic bears the name now; nullopt if nobody can tell.
std::optional<bool> is_new(const StoredPosition& position, const std::string& topic_id,
                           const AcceptWords& words) {
  if (words.new_topic && words.same_topic)
    throw UsageError("--new-topic and --same-topic: say one of them");
  if (!topic_id.empty() && !position.topic_id.empty()) {
    const bool differs = topic_id != position.topic_id;
    if (differs ? words.same_topic : words.new_topic)
      throw UsageError(
          partition_text(position.partition) + ": by its id, " + topic_id + ", it is " +
          (differs ? "another topic than that of the position" : "the topic of the position"));
    return differs;
  }
  if (words.new_topic) return true;
  if (words.same_topic) return false;
  return std::nullopt;
}

Acceptance anew(const StoredPosition& position, const LogRange& log) {
  return {Way::kNewTopic,
          {position.partition, position.next_offset, log.start},
          "begins with the new topic; events that were decided are duplicates"};
}

Acceptance passed_over(const StoredPosition& position, Offset to, const std::string& what) {
  return {Way::kPassOver,
          {position.partition, position.next_offset, to},
          counted_records(to - position.next_offset) + ' ' + what};
}

Acceptance unreadable(const StoredPosition& position, const LogRange& log, Offset until) {
  if (until <= position.next_offset || until > log.end)
    throw UsageError("--until-offset: " + partition_text(position.partition) + " is at " +
                     std::to_string(position.next_offset) + " and its log ends at " +
                     std::to_string(log.end) + "; say an offset between them");
  return passed_over(position, until, "given up");
}

}  // namespace

bool lacks_records(const StoredPosition& position) {
  for (const auto* reason : {"gap:", "truncated:", "recreated:"})
    if (position.is_halted() && position.reason.starts_with(reason)) return true;
  return false;
}

Acceptance accepted(const StoredPosition& position, const LogRange& log,
                    const std::string& topic_id, const AcceptWords& words) {
  const auto other = is_new(position, topic_id, words);
  if (other == true) return anew(position, log);
  if (words.until) return unreadable(position, log, *words.until);
  if (position.next_offset < log.start)
    return passed_over(position, log.start, "that are gone count as gaps");
  if (position.next_offset <= log.end)
    throw UsageError(partition_text(position.partition) + ": its position, " +
                     std::to_string(position.next_offset) + ", is in the log, which has " +
                     std::to_string(log.start) + " to " + std::to_string(log.end) +
                     "; kinbox position release has it tried again from there");
  if (!other)
    throw UsageError(partition_text(position.partition) + ": the log ends at " +
                     std::to_string(log.end) + " and the position is " +
                     std::to_string(position.next_offset) +
                     ". Say --new-topic if the topic was deleted and created anew: it begins at "
                     "its start. Say --same-topic if it lost its end: it goes on there");
  return {Way::kSameTopic,
          {position.partition, position.next_offset, log.end},
          "goes on at the end of what is left"};
}

}  // namespace kinbox::cli
