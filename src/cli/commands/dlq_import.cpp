#include <CLI/CLI.hpp>
#include <fstream>
#include <map>
#include <set>

#include "cli/commands/act_options.hpp"
#include "cli/commands/dlq_commands.hpp"
#include "cli/commands/row_commands.hpp"
#include "cli/confirm.hpp"
#include "cli/dlq/letter_json.hpp"
#include "cli/output/joined.hpp"
#include "core/own_statements.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::cli {
namespace {

struct Options {
  std::string file;
  /// Of all letters, whatever the file says.
  std::string consumer;
  ActOptions act;
};

using Letters = std::map<std::string, std::vector<ImportedLetter>>;

/// All letters of the file, or none: what is wrong is named with its line.
Letters read_letters(const Options& options) {
  const bool is_stdin = options.file == "-";
  std::ifstream in(is_stdin ? "/dev/stdin" : options.file);
  if (!in) throw Error("cannot read " + options.file);
  Letters letters;
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    if (line.empty()) continue;
    try {
      auto read = letter_from_json(line);
      const auto& consumer = options.consumer.empty() ? read.consumer : options.consumer;
      LetterImport::require_storable(read.letter);
      letters[consumer].push_back(std::move(read.letter));
    } catch (const Error& e) {
      throw Error((is_stdin ? "line " : options.file + ':') + std::to_string(number) + ": " +
                  e.what() + "; nothing was imported");
    }
  }
  if (in.bad()) throw Error("cannot read " + options.file + " to its end; nothing was imported");
  return letters;
}

constexpr std::string_view kConsumers = "SELECT name FROM {kinbox}.consumers";

struct Intake {
  explicit Intake(Database& opened) : database(opened) {}

  /// Letters of a consumer that nobody knows would wait for ever.
  void require_consumers(const Letters& letters, const Config& config) {
    std::set<std::string> known;
    for (const auto& consumer : config.consumers) known.insert(consumer.name);
    own_transaction(database, "consumers", [&](OpenTransaction& tx) {
      for (const auto row : tx.query(tx.dialect().render(kConsumers)))
        known.insert(row.get<std::string>(0));
    });
    for (const auto& [consumer, list] : letters)
      if (!known.contains(consumer))
        throw RefusedError("consumer \"" + consumer + "\" is not known here, but " +
                           joined(std::vector<std::string>(known.begin(), known.end())) +
                           "; --consumer NAME makes them its own");
  }

  /// In one transaction.
  std::map<std::string, std::vector<ImportOutcome>> import(const Letters& letters,
                                                           const std::string& from,
                                                           Audit::Action action) {
    std::map<std::string, std::vector<ImportOutcome>> outcomes;
    own_transaction(database, "import", [&](OpenTransaction& tx) {
      const Audit audit(tx.dialect());
      if (letters.size() == 1) action.consumer = letters.begin()->first;
      const auto id = audit.begin(tx, action);
      std::int64_t written = 0;
      for (const auto& [consumer, list] : letters) {
        auto& of_consumer = outcomes[consumer];
        of_consumer = LetterImport(consumer, tx.dialect()).run(tx, list, from, id);
        written += std::count_if(of_consumer.begin(), of_consumer.end(),
                                 [](auto outcome) { return outcome != ImportOutcome::kKnown; });
      }
      audit.note(tx, id, written, "done");
    });
    return outcomes;
  }

  Database& database;
};

Table table_of(const std::map<std::string, std::vector<ImportOutcome>>& outcomes) {
  Table table{{{"consumer"}, {"imported"}, {"applied_already"}, {"id_conflicts"}, {"known"}}, {}};
  for (const auto& [consumer, list] : outcomes) {
    const auto count = [&, &all = list](ImportOutcome outcome) {
      return static_cast<std::int64_t>(std::count(all.begin(), all.end(), outcome));
    };
    table.rows.push_back({consumer, count(ImportOutcome::kImported),
                          count(ImportOutcome::kAppliedAlready), count(ImportOutcome::kIdConflict),
                          count(ImportOutcome::kKnown)});
  }
  return table;
}

ExitCode import_letters(const Invocation& invocation, const Options& options) {
  const auto config = invocation.load();
  Opened<Intake> opened(config);
  const auto letters = read_letters(options);
  opened.view.require_consumers(letters, config);
  std::int64_t count = 0;
  std::vector<std::string> names;
  for (const auto& [consumer, list] : letters) {
    count += static_cast<std::int64_t>(list.size());
    names.push_back(consumer);
  }
  if (count == 0) {
    invocation.answer(table_of({}));
    invocation.io.err << options.file << " holds no letter\n";
    return ExitCode::kOk;
  }
  const auto what = counted(count, "letter") + " of " + joined(names) + " from " + options.file;
  if (options.act.dry_run) {
    invocation.io.err << what << " would be imported; nothing was changed\n";
    return ExitCode::kOk;
  }
  if (!agreed(invocation, "About to import " + what + ". Go on?", options.act.yes))
    return ExitCode::kFailed;
  auto action = audited(invocation, options.act, "dlq import", options.file);
  invocation.answer(table_of(opened.view.import(letters, options.file, std::move(action))));
  return ExitCode::kOk;
}

}  // namespace

void add_dlq_import(CLI::App& dlq, Invocation& invocation) {
  auto& command =
      add_row_command(dlq, invocation, "import", "Take letters in that were exported: all or none");
  const auto options = std::make_shared<Options>();
  command.add_option("FILE", options->file, "JSON lines of kinbox dlq export; - for stdin")
      ->required();
  command
      .add_option("--consumer", options->consumer, "Whose they become (default: as the file says)")
      ->type_name("NAME");
  command.add_flag("--yes", options->act.yes, "Do not ask");
  command.add_flag("--dry-run", options->act.dry_run, "Read the file only");
  add_audit_options(command, options->act);
  command.callback([&invocation, options] {
    invocation.chosen = [&invocation, options] { return import_letters(invocation, *options); };
  });
}

}  // namespace kinbox::cli
