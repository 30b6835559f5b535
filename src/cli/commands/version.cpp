#include <CLI/CLI.hpp>

#include "cli/commands/commands.hpp"
#include "kinbox/kafka/settings.hpp"
#include "kinbox/postgres/database.hpp"
#include "kinbox/sqlite/database.hpp"

namespace kinbox::cli {
namespace {

ExitCode version(const Invocation& invocation) {
  invocation.answer({{{"component"}, {"version"}},
                     {{std::string("kinbox"), std::string(KINBOX_VERSION)},
                      {std::string("librdkafka"), kafka::library_version()},
                      {std::string("sqlite"), sqlite::library_version()},
                      {std::string("libpq"), postgres::library_version()}}});
  return ExitCode::kOk;
}

}  // namespace

void add_version(CLI::App& app, Invocation& invocation) {
  auto* command =
      app.add_subcommand("version", "Versions of kinbox and of the libraries it runs on");
  add_output_option(*command, invocation);
  command->callback(
      [&invocation] { invocation.chosen = [&invocation] { return version(invocation); }; });
}

}  // namespace kinbox::cli
