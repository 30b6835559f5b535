#include "cli/commands/row_commands.hpp"

#include <algorithm>

#include "cli/whole_numbers.hpp"

namespace kinbox::cli {

CLI::App& add_row_command(CLI::App& group, Invocation& invocation, const std::string& name,
                          const std::string& description) {
  auto* command = group.add_subcommand(name, description);
  add_config_option(*command, invocation);
  add_output_option(*command, invocation);
  return *command;
}

void add_row_status(CLI::App& group, Invocation& invocation, const std::string& description,
                    const std::string& check_help, ExitCode (*run)(const Invocation&, bool check)) {
  auto& command = add_row_command(group, invocation, "status", description);
  const auto check = std::make_shared<bool>(false);
  command.add_flag("--check", *check, check_help);
  command.callback([&invocation, check, run] {
    invocation.chosen = [&invocation, check, run] { return run(invocation, *check); };
  });
}

void add_row_show(CLI::App& group, Invocation& invocation, const std::string& description,
                  const std::string& id_help, ExitCode (*run)(const Invocation&, std::int64_t id)) {
  auto& command = add_row_command(group, invocation, "show", description);
  const auto id = std::make_shared<std::int64_t>(0);
  command.add_option("ID", *id, id_help)->required();
  command.callback([&invocation, id, run] {
    invocation.chosen = [&invocation, id, run] { return run(invocation, *id); };
  });
}

void add_limit_option(CLI::App& command, std::int64_t& limit) {
  command.add_option("--limit", limit, "At most so many (default: " + std::to_string(limit) + ")")
      ->type_name("N")
      ->check(from_one());
}

void mention_limit(const Invocation& invocation, std::size_t rows, std::int64_t limit) {
  if (static_cast<std::int64_t>(rows) == limit)
    invocation.io.err << "there may be more than these " << limit << "; see --limit\n";
}

void add_page_options(CLI::App& command, Page& page) {
  add_limit_option(command, page.limit);
  command.add_option("--after", page.after, "Go on behind this id")
      ->type_name("ID")
      ->check(from_zero());
}

void mention_next(const Invocation& invocation, const Rows& rows, const Page& page,
                  const std::string& command, const std::string& options) {
  if (static_cast<std::int64_t>(rows.size()) != page.limit) return;
  const auto last = rows[rows.size() - 1].get<std::int64_t>("id");
  const auto defaults = Page{}.limit;
  invocation.io.err << "there may be more than these " << page.limit << ": " << command
                    << (options.empty() ? "" : " ") << options << " --after " << last;
  if (page.limit != defaults) invocation.io.err << " --limit " << page.limit;
  invocation.io.err << '\n';
}

Cell cell(const std::optional<std::string>& text) { return text ? Cell{*text} : Cell{}; }

ExitCode answer_facts(const Invocation& invocation,
                      const std::vector<std::pair<std::string, std::optional<std::string>>>& facts,
                      const std::string& missing) {
  if (facts.empty()) {
    invocation.io.err << "kinbox: " << missing << '\n';
    return ExitCode::kFailed;
  }
  Table table{{{"name"}, {"value"}}, {}};
  for (const auto& [name, value] : facts) table.rows.push_back({name, cell(value)});
  invocation.answer(table);
  return ExitCode::kOk;
}

ExitCode answer_changes(const Invocation& invocation, const std::vector<std::int64_t>& wanted,
                        const std::vector<std::int64_t>& changed, const std::string& done,
                        const std::string& show) {
  Table table{{{done}}, {}};
  for (const auto id : changed) table.rows.push_back({id});
  invocation.answer(table);
  bool missed = false;
  for (const auto id : wanted) {
    if (std::count(changed.begin(), changed.end(), id) > 0) continue;
    missed = true;
    invocation.io.err << "kinbox: row " << id << " is not " << done
                      << ": there is none, or it is in another state; see " << show << ' ' << id
                      << '\n';
  }
  return missed ? ExitCode::kFailed : ExitCode::kOk;
}

}  // namespace kinbox::cli
