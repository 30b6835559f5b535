#pragma once

#include "cli/invocation.hpp"

namespace CLI {
class App;
}

namespace kinbox::cli {

// The commands below `kinbox dlq`, each in a file of its own.
void add_dlq_groups(CLI::App& dlq, Invocation& invocation);
void add_dlq_list(CLI::App& dlq, Invocation& invocation);
void add_dlq_show(CLI::App& dlq, Invocation& invocation);
void add_dlq_retry(CLI::App& dlq, Invocation& invocation);
void add_dlq_edit(CLI::App& dlq, Invocation& invocation);
void add_dlq_discard(CLI::App& dlq, Invocation& invocation);
void add_dlq_restore(CLI::App& dlq, Invocation& invocation);
void add_dlq_purge(CLI::App& dlq, Invocation& invocation);
void add_dlq_export(CLI::App& dlq, Invocation& invocation);
void add_dlq_import(CLI::App& dlq, Invocation& invocation);
void add_dlq_topic(CLI::App& dlq, Invocation& invocation);

}  // namespace kinbox::cli
