#include "cli/position/foreign_offsets.hpp"

#include "core/coordinates_text.hpp"

namespace kinbox::cli {
namespace {

constexpr std::size_t kNamed = 10;

std::string sentence(const StoredPosition& position, Offset committed) {
  const auto& [topic, number] = position.partition;
  const auto offset = std::to_string(committed);
  return partition_text(position.partition) + ": group " + position.group + " has offset " +
         offset +
         " in Kafka, and kinbox did not put it there; the position stays the database's, " +
         std::to_string(position.next_offset) +
         ". If the offsets were reset on purpose, stop the consumer, and: kinbox position set "
         "--consumer " +
         position.consumer + " --topic " + topic + ':' + std::to_string(number) + " --to-offset " +
         offset;
}

}  // namespace

std::vector<std::string> foreign_offsets(
    std::span<const StoredPosition> positions,
    const std::map<TopicPartition, kafka::GroupOffset>& committed) {
  std::vector<std::string> sentences;
  std::size_t found = 0;
  for (const auto& position : positions) {
    const auto offset = committed.find(position.partition);
    if (offset == committed.end() || offset->second.ours) continue;
    // Kafka lets nobody reset a group that has members.
    if (offset->second.offset == position.next_offset || !position.owner_at.empty()) continue;
    if (++found > kNamed) continue;
    sentences.push_back(sentence(position, offset->second.offset));
  }
  if (found > kNamed)
    sentences.push_back(std::to_string(found - kNamed) +
                        " more partitions are like that; kinbox position show has them all. Once "
                        "the consumer goes on, Kafka is told its positions: to adopt what was "
                        "reset, reset it again and use kinbox position set --to-committed before "
                        "the next start");
  return sentences;
}

}  // namespace kinbox::cli
