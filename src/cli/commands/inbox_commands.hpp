#pragma once

#include "cli/invocation.hpp"

namespace CLI {
class App;
}

namespace kinbox::cli {

// What `kinbox inbox` consists of.
void add_inbox_show(CLI::App& inbox, Invocation& invocation);
void add_inbox_list(CLI::App& inbox, Invocation& invocation);
void add_inbox_verify(CLI::App& inbox, Invocation& invocation);

}  // namespace kinbox::cli
