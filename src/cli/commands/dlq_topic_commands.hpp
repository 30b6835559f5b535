#pragma once

#include "cli/commands/dlq_commands.hpp"
#include "cli/foreign/topic_range.hpp"

namespace kinbox::cli {

/// TOPIC, `--partition`, `--from` and `--until`.
void add_topic_range(CLI::App& command, TopicRange& range);

void add_dlq_topic_import(CLI::App& group, Invocation& invocation);

}  // namespace kinbox::cli
