#pragma once

#include <vector>

#include "kinbox/handler.hpp"

namespace kinbox::cli {

/// The whole program: `int main(int argc, char** argv) { return kinbox::cli::main(argc, argv,
/// my_handlers()); }` is a binary with every operator command and these handlers inside.
///
/// Data goes to stdout, everything else to stderr. Exit codes: 0 done; 1 failed; 2 something to do
/// or not clean (`--check`; `run --until-idle` that left a halted partition); 3 refused, the text
/// says why and the way out; 64 wrong usage; 69 database or Kafka unreachable; 78 configuration.
///
/// Call it once, from the thread that runs main(): `run` takes over SIGINT and SIGTERM.
int main(int argc, char** argv, std::vector<HandlerSpec> handlers);

}  // namespace kinbox::cli
