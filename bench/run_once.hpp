#pragma once

#include <cstdint>

#include "contenders.hpp"

namespace kinbox::bench {

/// Runs `contender` once on a fresh database and a fresh group (`task.schema` and `task.group` are
/// chosen here), then counts with a connection of its own what is stored. Throws std::runtime_error
/// when that is not `distinct` events, each once.
RunTime run_once(const Contender& contender, Task task, std::int64_t distinct);

}  // namespace kinbox::bench
