#pragma once

#include <string>

#include "cli/invocation.hpp"

namespace CLI {
class App;
}

namespace kinbox::cli {

// The list of commands. Each declares itself below `app` and sets `invocation.chosen` when the line
// names it; `invocation` must stay where it is until then.
void add_run(CLI::App& app, Invocation& invocation);
void add_status(CLI::App& app, Invocation& invocation);
void add_workers(CLI::App& app, Invocation& invocation);
void add_dlq(CLI::App& app, Invocation& invocation);
void add_parked(CLI::App& app, Invocation& invocation);
void add_inbox(CLI::App& app, Invocation& invocation);
void add_replay(CLI::App& app, Invocation& invocation);
void add_audit(CLI::App& app, Invocation& invocation);
void add_position(CLI::App& app, Invocation& invocation);
void add_outbox(CLI::App& app, Invocation& invocation);
void add_mail(CLI::App& app, Invocation& invocation);
void add_prune(CLI::App& app, Invocation& invocation);
void add_migrate(CLI::App& app, Invocation& invocation);
void add_config(CLI::App& app, Invocation& invocation);
void add_doctor(CLI::App& app, Invocation& invocation);
void add_demo(CLI::App& app, Invocation& invocation);
void add_version(CLI::App& app, Invocation& invocation);

// Options that several commands share.
void add_config_option(CLI::App& command, Invocation& invocation);
void add_output_option(CLI::App& command, Invocation& invocation);

/// Declares a duration like "30s"; what is none is a usage error.
void add_duration_option(CLI::App& command, const std::string& name,
                         std::chrono::milliseconds& target, const std::string& description);

}  // namespace kinbox::cli
