#include <CLI/CLI.hpp>
#include <algorithm>

#include "cli/chosen_consumers.hpp"
#include "cli/commands/act_options.hpp"
#include "cli/commands/row_commands.hpp"
#include "cli/config/kafka_settings.hpp"
#include "cli/config/units.hpp"
#include "cli/output/joined.hpp"
#include "cli/retention/short_windows.hpp"
#include "cli/retention/space.hpp"
#include "cli/usage_error.hpp"
#include "core/coordinates_text.hpp"
#include "core/own_statements.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/retention.hpp"

namespace kinbox::cli {
namespace {

constexpr const char* kFooter = R"(
Deletes what is older than its window in the section `retention` of the configuration: events that
were applied or skipped, dead letters that were resolved or discarded, rows of the outbox and e-mails
that were sent or discarded, replays that ended, old rows of the audit. Never what is parked, dead or
open. Workers may run meanwhile; it may be cut short and repeated.

Where a topic keeps its records for longer than the inbox knows them, and while a consumer has a
replay that has not ended, it refuses, unless --confirm names the consumer (or "mail").

Examples:
  kinbox prune --dry-run                  how many rows, and the floors that would be
  kinbox prune --consumer orders          what is its own; the tables of all stay
  kinbox prune --confirm orders           its window is shorter than its topic's, on purpose)";

struct Options {
  std::vector<std::string> consumers;
  std::vector<std::string> confirm;
  ActOptions act;
};

struct Tables {
  explicit Tables(Database&) {}
};

const RetentionConfig& retention_of(const Config& config) {
  if (config.retention) return *config.retention;
  throw ConfigurationError(config.file +
                           ": no retention section, so nothing is ever pruned; add retention: "
                           "{inbox: 30d} (see docs/retention.md)");
}

std::string lines_of(const std::vector<std::string>& texts) {
  std::string lines;
  for (const auto& text : texts) lines += (lines.empty() ? "" : "\n") + text;
  return lines;
}

/// One `kinbox prune`.
class PruneCommand {
 public:
  PruneCommand(const Invocation& invocation, const Options& options)
      : invocation_(invocation),
        options_(options),
        config_(invocation.load()),
        retention_(retention_of(config_)),
        consumers_(chosen_consumers(config_, options.consumers)),
        opened_(config_) {
    require_known_names();
  }

  ExitCode run() {
    const auto objections = find_objections();
    if (options_.act.dry_run) return preview(objections);
    if (!objections.empty()) throw RefusedError(lines_of(objections));
    prune();
    answer();
    if (const auto advice = advice_about(give_back_space(database())); !advice.empty())
      invocation_.io.err << advice << '\n';
    return ExitCode::kOk;
  }

 private:
  Database& database() { return *opened_.database; }
  /// What belongs to no consumer goes with all of them.
  bool with_shared() const { return options_.consumers.empty(); }

  bool is_confirmed(const std::string& name) const {
    return std::count(options_.confirm.begin(), options_.confirm.end(), name) > 0;
  }

  void require_known_names() const {
    for (const auto& name : options_.confirm) {
      const bool known =
          name == "mail" || std::any_of(consumers_.begin(), consumers_.end(),
                                        [&](const auto& of) { return of.name == name; });
      if (!known)
        throw UsageError("--confirm says \"" + name + "\", and this is about no such consumer");
    }
  }

  std::vector<std::string> find_objections() {
    std::vector<std::string> objections;
    const auto object = [&](const std::string& text, const std::string& name) {
      objections.push_back(text + ". To prune all the same: --confirm " + name);
    };
    for (const auto& consumer : consumers_)
      if (const auto replay = registered_replay(database(), consumer.name);
          replay && !is_confirmed(consumer.name))
        object("consumer " + consumer.name + ": replay " + std::to_string(*replay) +
                   " has not ended, and takes events without a row for new ones",
               consumer.name);
    for (const auto& [name, text] : windows_that_are_short()) object(text, name);
    return objections;
  }

  std::vector<ShortWindow> windows_that_are_short() {
    auto windows = guarding_windows(retention_, consumers_, database());
    if (!with_shared()) std::erase_if(windows, [](const auto& of) { return of.name == "mail"; });
    auto confirmed = options_.confirm;
    confirmed.insert(confirmed.end(), retention_.confirm.begin(), retention_.confirm.end());
    try {
      return short_windows(windows, retention_.margin, confirmed,
                           ask_brokers(make_settings(config_)));
    } catch (const ConfigurationError& e) {
      return not_asked(e);
    } catch (const InfrastructureError& e) {
      return not_asked(e);
    }
  }

  std::vector<ShortWindow> not_asked(const Error& why) const {
    if (!options_.act.dry_run)
      throw InfrastructureError(
          std::string(
              "how long topics keep their records cannot be asked, so nothing is pruned: ") +
          why.what() + ". --confirm CONSUMER prunes without asking");
    invocation_.io.err << "how long topics keep their records cannot be asked: " << why.what()
                       << '\n';
    return {};
  }

  ExitCode preview(const std::vector<std::string>& objections) {
    Pruner pruner(database(), retention_.windows);
    for (const auto& consumer : consumers_) report(consumer.name, pruner.preview(consumer.name));
    if (with_shared()) report("", pruner.preview_shared());
    answer();
    for (const auto& objection : objections)
      invocation_.io.err << "would be refused: " << objection << '\n';
    invocation_.io.err << "nothing was changed\n";
    return ExitCode::kOk;
  }

  void prune() {
    const Audit audit(database().dialect());
    auto action = audited(invocation_, options_.act, "prune", words_of_windows());
    if (consumers_.size() == 1) action.consumer = consumers_[0].name;
    std::int64_t id = 0;
    own_transaction(database(), "prune",
                    [&](OpenTransaction& tx) { id = audit.begin(tx, action); });
    std::int64_t deleted = 0;
    PruneOptions options;
    options.on_rows = [&](OpenTransaction& tx, std::int64_t rows) {
      audit.note(tx, id, deleted += rows, "");
    };
    for (const auto& consumer : consumers_) {
      options.beside_replay = is_confirmed(consumer.name);
      report(consumer.name, Pruner(database(), retention_.windows, options).prune(consumer.name));
    }
    if (with_shared()) report("", Pruner(database(), retention_.windows, options).prune_shared());
    own_transaction(database(), "prune",
                    [&](OpenTransaction& tx) { audit.note(tx, id, deleted, "done"); });
  }

  std::string words_of_windows() const {
    const auto& windows = retention_.windows;
    std::vector<std::string> words;
    const auto add = [&](const char* name, const RetentionWindows::Window& window) {
      if (window) words.push_back(std::string(name) + ' ' + to_text(*window));
    };
    add("inbox", windows.inbox);
    add("dead_letters", windows.dead_letters);
    add("outbox", windows.outbox);
    add("mail", windows.mail);
    add("replays", windows.replays);
    add("audit", windows.audit);
    if (!options_.confirm.empty()) words.push_back("confirmed: " + joined(options_.confirm));
    return joined(words);
  }

  void report(const std::string& consumer, const Pruner::Report& rows) {
    for (const auto& of : rows) {
      std::optional<std::string> place;
      if (of.partition) place = partition_text(*of.partition);
      table_.rows.push_back({std::string(of.what), consumer, cell(place), of.rows,
                             of.floor ? Cell{*of.floor} : Cell{}});
    }
  }

  void answer() { invocation_.answer(table_); }

  const Invocation& invocation_;
  const Options& options_;
  Config config_;
  const RetentionConfig& retention_;
  std::vector<ConsumerConfig> consumers_;
  Opened<Tables> opened_;
  Table table_{{{"what"}, {"consumer"}, {"partition"}, {"rows"}, {"floor"}}, {}};
};

}  // namespace

void add_prune(CLI::App& app, Invocation& invocation) {
  auto& command = add_row_command(app, invocation, "prune", "Delete what is older than its window");
  command.footer(kFooter);
  const auto options = std::make_shared<Options>();
  command.add_option("--consumer", options->consumers, "Only this consumer; may be repeated")
      ->type_name("NAME");
  command
      .add_option("--confirm", options->confirm,
                  "Prune this consumer (or mail) although that is refused; may be repeated")
      ->type_name("NAME");
  command.add_flag("--dry-run", options->act.dry_run, "Show what would be done, and do nothing");
  add_audit_options(command, options->act);
  command.callback([&invocation, options] {
    invocation.chosen = [&invocation, options] { return PruneCommand(invocation, *options).run(); };
  });
}

}  // namespace kinbox::cli
