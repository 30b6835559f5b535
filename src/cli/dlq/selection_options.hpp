#pragma once

#include <optional>
#include <string>

#include "cli/dlq/letter_selection.hpp"

namespace CLI {
class App;
}

namespace kinbox::cli {

/// The filters that commands over dead letters and over parked events share: --consumer, --group,
/// --reason, --handler, --error-class, --topic, --partition, --key, --event-id, --type, --since,
/// --until. `selection` must live until the line is parsed.
void add_filter_options(CLI::App& command, LetterSelection& selection);

/// `--consumer` alone, and `--key` alone.
void add_consumer_option(CLI::App& command, LetterSelection& selection);
void add_key_option(CLI::App& command, LetterSelection& selection);

/// An option that takes a moment: 2026-01-31T12:00:00Z, see parse_time.
void add_moment_option(CLI::App& command, const std::string& name, std::optional<Timestamp>& target,
                       const std::string& description);

/// `--state` of letters, to be repeated; "all" is any. `selection.states` is the default.
void add_state_option(CLI::App& command, LetterSelection& selection);

}  // namespace kinbox::cli
