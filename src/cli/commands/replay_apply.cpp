#include <algorithm>
#include <fstream>
#include <iterator>

#include "cli/commands/act_options.hpp"
#include "cli/commands/replay_commands.hpp"
#include "cli/config/find_consumer.hpp"
#include "cli/config/kafka_settings.hpp"
#include "cli/config/units.hpp"
#include "cli/confirm.hpp"
#include "cli/output/joined.hpp"
#include "cli/replay/plan_text.hpp"
#include "cli/replay/replay_run.hpp"
#include "cli/replay/replay_world.hpp"
#include "cli/replay/same_logs.hpp"
#include "cli/replay/trial_run.hpp"
#include "cli/usage_error.hpp"
#include "core/own_statements.hpp"
#include "core/replay/replay_rows.hpp"
#include "kinbox/kafka/log_reader.hpp"

namespace kinbox::cli {
namespace {

constexpr const char* kFooter = R"(
Looks first whether the world is still the one of the plan, says what it will do, and asks. How far
it is commits with what it does: after a crash, the same command goes on where it was, and so does
`replay resume`. SIGINT leaves the replay running for that.

reprocess needs --confirm=CONSUMER. Live workers hold the plan's partitions until it is done: new
records wait, nothing is lost. What handlers emit again is counted and not written, nor are e-mails.

Exit code 2: events failed and became dead letters, the replay was stopped, or a trial found
failures.)";

struct Options {
  std::string file;
  ReplayChoices choices;
  std::string rate;
  std::string confirm;
  std::chrono::milliseconds max_age = std::chrono::hours{24};
  ActOptions act;
};

ReplayPlan plan_in(const std::string& file) {
  std::ifstream in(file);
  if (!in) throw UsageError("cannot read the plan " + file);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  try {
    return read_plan(text);
  } catch (const Error& e) {
    throw UsageError(file + ": " + e.what());
  }
}

void require_fitting(const ReplayPlan& plan, const ReplayChoices& choices) {
  if (plan.mode != ReplayMode::kReprocess &&
      (choices.beside_live || choices.include_dead || choices.emit || choices.mail_revision > 0))
    throw UsageError(
        "--beside-live, --include-dead, --emit and --mail-revision are for plans of --mode "
        "reprocess; this one is " +
        std::string(to_text(plan.mode)));
  if (!choices.beside_live) return;
  std::vector<std::string> ordered;
  const auto& wanted = plan.filter.handlers;
  for (const auto& handler : plan.handlers)
    if ((wanted.empty() || std::ranges::count(wanted, handler.name) > 0) &&
        !handler.order_independent)
      ordered.push_back(handler.name);
  if (!ordered.empty())
    throw UsageError(
        "--beside-live: old events would overwrite what newer ones did: not declared "
        "order_independent: " +
        joined(ordered) +
        ". Leave the flag out: live workers hold their partitions "
        "meanwhile");
}

void require_young(const ReplayPlan& plan, std::chrono::milliseconds max_age) {
  const auto age = std::chrono::system_clock::now() - plan.created;
  if (age > max_age)
    throw RefusedError("the plan is of " + to_text(plan.created) + ", older than " +
                       to_text(max_age) + " (--max-age); plan again with `kinbox replay plan`");
}

/// The replay of this plan that was begun and not ended.
std::optional<ReplayRow> begun(Database& database, const ReplayPlan& plan) {
  std::optional<ReplayRow> row;
  own_transaction(database, "replay", [&](OpenTransaction& tx) {
    row = ReplayRows(tx.dialect()).active(tx, plan.consumer);
  });
  if (!row || row->plan_hash != hash_of(plan)) return std::nullopt;
  return row;
}

bool agreed_to(const Invocation& invocation, const ReplayPlan& plan, const Options& options) {
  invocation.io.err << warnings_of(plan, options.choices);
  const auto question = sentence_of(plan, options.choices);
  if (plan.mode == ReplayMode::kReprocess)
    return agreed_by_name(invocation, question, plan.consumer, options.confirm);
  return agreed(invocation, question + " Go on?", options.act.yes);
}

std::int64_t record(const Invocation& invocation, Database& database, const ReplayPlan& plan,
                    const Options& options) {
  auto action = audited(invocation, options.act, "replay apply",
                        std::string(to_text(plan.mode)) + ' ' + options.file);
  action.consumer = plan.consumer;
  NewReplay fresh{.consumer = plan.consumer,
                  .choices = options.choices,
                  .plan_hash = hash_of(plan),
                  .plan = to_text(plan, options.choices),
                  .who = action.who,
                  .audit_id = 0,
                  .pieces = {}};
  for (const auto& partition : plan.partitions)
    fresh.pieces.push_back({partition.slice, partition.topic_id, plan.to_live_position});
  std::int64_t id = 0;
  own_transaction(database, "replay", [&](OpenTransaction& tx) {
    const Audit audit(tx.dialect());
    fresh.audit_id = audit.begin(tx, action);
    id = ReplayRows(tx.dialect()).record(tx, fresh);
    audit.note(tx, fresh.audit_id, 0, "replay " + std::to_string(id) + " begun");
  });
  return id;
}

ExitCode apply(const Invocation& invocation, Options options) {
  const auto config = invocation.load();
  const auto plan = plan_in(options.file);
  auto& choices = options.choices;
  choices.mode = plan.mode;
  choices.filter = plan.filter;
  require_fitting(plan, choices);
  const ReplayPace pace{options.rate.empty() ? std::nullopt
                                             : std::optional(parse_rate(options.rate))};
  const auto& consumer = find_consumer(config, plan.consumer);
  const auto database = make_database_factory(config, Missing::kRefuse)();
  SchemaMigrator(*database, {kinbox_component()}).require_current();
  if (const auto row = begun(*database, plan)) {
    invocation.io.err << "replay " << row->id << " of this plan was begun before: it goes on\n";
    return run_replay(invocation, config, row->id, pace);
  }
  require_young(plan, options.max_age);
  {
    kafka::LogReader reader(make_settings(config));
    require_same_world(plan,
                       look_at_world(config, consumer, invocation.handlers, *database, reader));
    require_same_logs(plan, reader);
  }
  if (plan.partitions.empty()) {
    invocation.io.err << "the plan is empty: there is nothing to replay\n";
    return ExitCode::kOk;
  }
  if (plan.mode == ReplayMode::kTrial)
    return run_trial(invocation, config, plan, choices.treat_as_new);
  if (!agreed_to(invocation, plan, options)) return ExitCode::kFailed;
  if (options.act.dry_run) {
    invocation.io.err << "this was a dry run: nothing was changed\n";
    return ExitCode::kOk;
  }
  const auto id = record(invocation, *database, plan, options);
  invocation.io.err << "replay " << id << " of consumer " << plan.consumer << " begins\n";
  return run_replay(invocation, config, id, pace);
}

void add_choices(CLI::App& command, Options& options) {
  auto& choices = options.choices;
  command.add_flag("--treat-as-new", choices.treat_as_new,
                   "Also run events that may have run before: see `unknown` in the plan");
  command.add_flag("--beside-live", choices.beside_live,
                   "reprocess: new records run meanwhile; for handlers that are order_independent");
  command.add_flag("--include-dead", choices.include_dead,
                   "reprocess: dead letters of the range run too");
  command.add_flag("--emit", choices.emit,
                   "reprocess: write what handlers emit again, under new ids");
  command
      .add_option("--mail-revision", choices.mail_revision,
                  "reprocess: write e-mails again, as this revision")
      ->type_name("N")
      ->check(CLI::Range(2, 1'000'000).description(""));
}

}  // namespace

void add_replay_apply(CLI::App& group, Invocation& invocation) {
  auto& command = add_row_command(group, invocation, "apply", "Carry a plan out, or go on with it");
  command.footer(kFooter);
  const auto options = std::make_shared<Options>();
  command.add_option("PLAN", options->file, "The file that `replay plan` wrote")->required();
  add_choices(command, *options);
  command.add_option("--rate", options->rate, "At most so many records: 500/s")->type_name("RATE");
  add_duration_option(command, "--max-age", options->max_age, "How old the plan may be");
  command.add_option("--confirm", options->confirm, "reprocess: the consumer's name")
      ->type_name("CONSUMER");
  command.add_flag("--yes", options->act.yes, "fill: do not ask");
  command.add_flag("--dry-run", options->act.dry_run, "Check, ask, and change nothing");
  add_audit_options(command, options->act);
  command.callback([&invocation, options] {
    invocation.chosen = [&invocation, options] { return apply(invocation, *options); };
  });
}

}  // namespace kinbox::cli
