#include "cli/dlq/selection_options.hpp"

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "cli/config/units.hpp"
#include "cli/output/joined.hpp"
#include "cli/output/readable.hpp"
#include "cli/whole_numbers.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::cli {
namespace {

const std::vector<std::string> kStates{"open",     "requested", "parked",
                                       "resolved", "discarded", "all"};

void add_text(CLI::App& command, const std::string& name, std::optional<std::string>& target,
              const std::string& description, const std::string& type) {
  command.add_option(name, target, description)->type_name(type);
}

/// What `read` throws about the text is a usage error.
template <typename T>
void add_read(CLI::App& command, const std::string& name, std::optional<T>& target,
              T (*read)(const std::string&), const std::string& description,
              const std::string& type) {
  command
      .add_option_function<std::string>(
          name,
          [&target, name, read](const std::string& text) {
            try {
              target = read(text);
            } catch (const Error& e) {
              throw CLI::ValidationError(name, e.what());
            }
          },
          description)
      ->type_name(type);
}

Timestamp moment(const std::string& text) { return parse_time(text); }

}  // namespace

void add_consumer_option(CLI::App& command, LetterSelection& selection) {
  add_text(command, "--consumer", selection.consumer, "Only this consumer's", "NAME");
}

void add_key_option(CLI::App& command, LetterSelection& selection) {
  add_read(command, "--key", selection.key, from_readable,
           "Records with this key; base64:... for one that is no text", "KEY");
}

void add_filter_options(CLI::App& command, LetterSelection& selection) {
  add_consumer_option(command, selection);
  add_text(command, "--group", selection.group, "Of this cause: see kinbox dlq groups", "GROUP");
  add_text(command, "--reason", selection.reason, "Of this reason, like handler_rejected", "WORD");
  add_text(command, "--handler", selection.handler, "Where this handler failed", "NAME");
  add_text(command, "--error-class", selection.error_class, "With this error type, or error code",
           "NAME");
  add_text(command, "--topic", selection.topic, "Records of this topic", "TOPIC");
  command.add_option("--partition", selection.partition, "Records of this partition")
      ->type_name("N")
      ->check(from_zero());
  add_key_option(command, selection);
  add_text(command, "--event-id", selection.event_id, "The event of this id", "ID");
  add_text(command, "--type", selection.event_type, "Events of this type", "TYPE");
  add_moment_option(command, "--since", selection.since,
                    "That failed then or later (a time that says its zone: 2026-01-31T12:00:00Z)");
  add_moment_option(command, "--until", selection.until, "That failed before then");
}

void add_moment_option(CLI::App& command, const std::string& name, std::optional<Timestamp>& target,
                       const std::string& description) {
  add_read(command, name, target, moment, description, "TIME");
}

void add_state_option(CLI::App& command, LetterSelection& selection) {
  command
      .add_option_function<std::vector<std::string>>(
          "--state",
          [&selection](const std::vector<std::string>& states) {
            selection.states = states;
            for (const auto& state : states)
              if (state == "all") selection.states.clear();
          },
          joined(kStates) + "; more than once for several (default: " +
              (selection.states.empty() ? "all" : joined(selection.states)) + ")")
      ->check(CLI::IsMember(kStates).description(""))
      ->type_name("STATE")
      ->allow_extra_args(false);
}

}  // namespace kinbox::cli
