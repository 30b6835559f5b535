#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "cli/position/position_desk.hpp"
#include "kinbox/kafka/groups.hpp"

namespace kinbox::cli {

/// Offsets that somebody else than kinbox gave a consumer's group, `kafka-consumer-groups.sh
/// --reset-offsets` say, and that are not where the database's positions are: a sentence each, with
/// the command that adopts it. Those beyond the tenth are counted.
std::vector<std::string> foreign_offsets(
    std::span<const StoredPosition> positions,
    const std::map<TopicPartition, kafka::GroupOffset>& committed);

}  // namespace kinbox::cli
