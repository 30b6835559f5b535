#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "kinbox/transaction.hpp"

namespace kinbox {

/// The number of a replay of `consumer` that has not ended.
std::optional<std::int64_t> registered_replay(OpenTransaction& tx, const std::string& consumer);

/// Throws RefusedError if there is one: to it, an event without a row was never seen.
void refuse_beside_replay(OpenTransaction& tx, const std::string& consumer);

}  // namespace kinbox
