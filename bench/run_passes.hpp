#pragma once

#include <cstdint>
#include <vector>

#include "contenders.hpp"

namespace kinbox::bench {

/// Runs `contender` on a fresh database, and after each pass counts with a connection of its own
/// what is stored. `task.schema` and `task.group` are chosen here.
///
/// In the first pass all events are new. Each pass behind it reads the whole topic again, in a new
/// group and from no position, while the inbox keeps its rows: all events are duplicates.
///
/// Throws std::runtime_error when what is stored is not `distinct` events, each once.
std::vector<RunTime> run_passes(const Contender& contender, Task task, std::int64_t distinct,
                                int passes = 1);

}  // namespace kinbox::bench
