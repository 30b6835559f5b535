#pragma once

#include "cli/commands/row_commands.hpp"

namespace kinbox::cli {

void add_replay_plan(CLI::App& group, Invocation& invocation);
void add_replay_apply(CLI::App& group, Invocation& invocation);
void add_replay_list(CLI::App& group, Invocation& invocation);
void add_replay_status(CLI::App& group, Invocation& invocation);
void add_replay_pause(CLI::App& group, Invocation& invocation);
void add_replay_resume(CLI::App& group, Invocation& invocation);
void add_replay_cancel(CLI::App& group, Invocation& invocation);

}  // namespace kinbox::cli
