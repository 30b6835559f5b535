#pragma once

#include <span>
#include <string>

#include "kinbox/source.hpp"

namespace kinbox::testing {

/// Sets a group's offsets as `kafka-consumer-groups.sh --reset-offsets --execute` does: by the
/// admin API, and with nothing that says who it was. The group must be empty; throws
/// std::runtime_error if it is not.
void reset_offsets(const std::string& brokers, const std::string& group,
                   std::span<const PartitionOffset> offsets);

}  // namespace kinbox::testing
