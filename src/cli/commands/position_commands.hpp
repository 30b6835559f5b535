#pragma once

#include "cli/invocation.hpp"

namespace CLI {
class App;
}

namespace kinbox::cli {

// The commands below `kinbox position`.
void add_position_show(CLI::App& position, Invocation& invocation);
void add_position_export(CLI::App& position, Invocation& invocation);
void add_position_set(CLI::App& position, Invocation& invocation);
void add_position_import(CLI::App& position, Invocation& invocation);
void add_position_accept_gap(CLI::App& position, Invocation& invocation);
void add_position_release(CLI::App& position, Invocation& invocation);

}  // namespace kinbox::cli
