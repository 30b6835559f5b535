#pragma once

#include <vector>

#include "cli/config/config.hpp"
#include "cli/config/node.hpp"

namespace kinbox::cli {

/// Notes a problem of `node`, the list of consumers, where what fails would come back to who handed
/// it on: a consumer that reads its own failover or DLQ topic, at once or by way of others of this
/// configuration. An event would be a duplicate of itself there, and what is no event would go
/// round for ever.
void refuse_topic_circles(const ConfigNode& node, const std::vector<ConsumerConfig>& consumers);

}  // namespace kinbox::cli
