#include <CLI/CLI.hpp>
#include <algorithm>

#include "cli/commands/commands.hpp"
#include "cli/consumer_spec.hpp"
#include "cli/database.hpp"
#include "kinbox/migrations.hpp"

namespace kinbox::cli {
namespace {

constexpr const char* kFooter = R"(
SQLite is migrated by `kinbox run` itself; PostgreSQL by `kinbox migrate up`, or by `run` when the
configuration says database.migrate: auto.

Examples:
  kinbox migrate status --check    exit 2 if something is pending
  kinbox migrate up                apply what is missing, as a role that may create tables)";

/// A connection and the schema that this binary wants to find there.
struct Schema {
  std::unique_ptr<Database> database;
  SchemaMigrator migrator;

  Schema(const Config& config, std::span<const HandlerSpec> handlers, Missing missing)
      : database(make_database_factory(config, missing)()),
        migrator(*database, schema_components(config, handlers)) {}
};

ExitCode status(const Invocation& invocation, bool check) {
  Schema schema(invocation.load(), invocation.handlers, Missing::kRefuse);
  Table table{{{"component"}, {"version"}, {"file"}, {"state"}, {"applied_at"}}, {}};
  bool clean = true;
  for (const auto& step : schema.migrator.status()) {
    clean = clean && step.state == "applied";
    table.rows.push_back({step.component, std::int64_t{step.version}, step.file, step.state,
                          step.applied_at.empty() ? Cell{} : Cell{step.applied_at}});
  }
  invocation.answer(table);
  return check && !clean ? ExitCode::kNotClean : ExitCode::kOk;
}

ExitCode up(const Invocation& invocation) {
  const auto config = invocation.load();
  Schema schema(config, invocation.handlers, Missing::kCreate);
  Table table{{{"applied"}}, {}};
  for (auto& file : schema.migrator.up()) table.rows.push_back({std::move(file)});
  invocation.answer(table);
  invocation.io.err << describe_database(config) << ": "
                    << (table.rows.empty() ? "nothing to do, the schema is current\n"
                                           : "the schema is current now\n");
  return ExitCode::kOk;
}

ExitCode validate(const Invocation& invocation) {
  const auto config = invocation.load();
  Schema schema(config, invocation.handlers, Missing::kRefuse);
  schema.migrator.require_current();
  schema.database->refuse_unsafe();
  invocation.io.err
      << describe_database(config)
      << ": the schema is current and the database is safe; `kinbox run` would start\n";
  return ExitCode::kOk;
}

CLI::App& add_subcommand(CLI::App& migrate, Invocation& invocation, const std::string& name,
                         const std::string& description) {
  auto* command = migrate.add_subcommand(name, description);
  add_config_option(*command, invocation);
  return *command;
}

void add_status_subcommand(CLI::App& migrate, Invocation& invocation) {
  auto& command =
      add_subcommand(migrate, invocation, "status", "Every migration and whether it is applied");
  add_output_option(command, invocation);
  const auto check = std::make_shared<bool>(false);
  command.add_flag("--check", *check, "Exit 2 if a migration is pending or not known here");
  command.callback([&invocation, check] {
    invocation.chosen = [&invocation, check] { return status(invocation, *check); };
  });
}

}  // namespace

void add_migrate(CLI::App& app, Invocation& invocation) {
  auto* migrate = app.add_subcommand("migrate", "Bring the database's schema up to this binary");
  migrate->require_subcommand(1);
  migrate->footer(kFooter);
  add_status_subcommand(*migrate, invocation);
  auto& up_command = add_subcommand(*migrate, invocation, "up", "Apply what is missing");
  add_output_option(up_command, invocation);
  up_command.callback(
      [&invocation] { invocation.chosen = [&invocation] { return up(invocation); }; });
  add_subcommand(*migrate, invocation, "validate",
                 "Refuse (exit 3) a schema this binary does not know, or an unsafe database")
      .callback(
          [&invocation] { invocation.chosen = [&invocation] { return validate(invocation); }; });
}

}  // namespace kinbox::cli
