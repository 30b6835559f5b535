#pragma once

#include <string>

#include "kinbox/database.hpp"

namespace kinbox {

/// Binds a consumer's name to its group and its cluster, for good. Throws RefusedError when the
/// database knows the name under another group or cluster: the positions would mean other records.
/// An empty `cluster_id` is not compared.
void register_consumer(Database& database, const std::string& name, const std::string& group,
                       const std::string& cluster_id);

}  // namespace kinbox
