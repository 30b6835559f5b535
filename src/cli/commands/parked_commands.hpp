#pragma once

#include "cli/invocation.hpp"

namespace CLI {
class App;
}

namespace kinbox::cli {

// The commands below `kinbox parked`, those that change something in a file of their own.
void add_parked_list(CLI::App& parked, Invocation& invocation);
void add_parked_show(CLI::App& parked, Invocation& invocation);
void add_parked_retry(CLI::App& parked, Invocation& invocation);
void add_parked_release(CLI::App& parked, Invocation& invocation);
void add_parked_dead_letter(CLI::App& parked, Invocation& invocation);

}  // namespace kinbox::cli
