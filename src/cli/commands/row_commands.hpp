#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands/commands.hpp"
#include "cli/database.hpp"
#include "cli/output/page.hpp"
#include "kinbox/migrations.hpp"
#include "kinbox/rows.hpp"

// What commands over a table of rows that leave the database have in common: `kinbox outbox` and
// `kinbox mail`.
namespace kinbox::cli {

/// A connection to a database whose tables this binary knows, and what a command sees of them.
template <typename View>
struct Opened {
  std::unique_ptr<Database> database;
  View view;

  explicit Opened(const Config& config)
      : database(make_database_factory(config, Missing::kRefuse)()), view(*database) {
    SchemaMigrator(*database, {kinbox_component()}).require_current();
  }
};

/// A command below `group` that needs a configuration and gives an answer.
CLI::App& add_row_command(CLI::App& group, Invocation& invocation, const std::string& name,
                          const std::string& description);

/// `status [--check]`; `check_help` says what `--check` exits 2 for.
void add_row_status(CLI::App& group, Invocation& invocation, const std::string& description,
                    const std::string& check_help, ExitCode (*run)(const Invocation&, bool check));

/// `show ID`; `id_help` says whose id that is.
void add_row_show(CLI::App& group, Invocation& invocation, const std::string& description,
                  const std::string& id_help, ExitCode (*run)(const Invocation&, std::int64_t id));

/// `--limit` of a list.
void add_limit_option(CLI::App& command, std::int64_t& limit);
void mention_limit(const Invocation& invocation, std::size_t rows, std::int64_t limit);

/// `--limit` and `--after` of a list that goes on from page to page.
void add_page_options(CLI::App& command, Page& page);
/// Says how to go on if there may be more. `rows` have an id; the line is `command` with
/// `options`, and paging.
void mention_next(const Invocation& invocation, const Rows& rows, const Page& page,
                  const std::string& command, const std::string& options);

Cell cell(const std::optional<std::string>& text);

/// Everything about one row, by name. `missing` is said if there is nothing.
ExitCode answer_facts(const Invocation& invocation,
                      const std::vector<std::pair<std::string, std::optional<std::string>>>& facts,
                      const std::string& missing);

/// What was done to rows stands on stdout, what could not be done on stderr. `done` is the word for
/// it, `show` the command that tells more about a row.
ExitCode answer_changes(const Invocation& invocation, const std::vector<std::int64_t>& wanted,
                        const std::vector<std::int64_t>& changed, const std::string& done,
                        const std::string& show);

}  // namespace kinbox::cli
