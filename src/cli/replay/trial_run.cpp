#include "cli/replay/trial_run.hpp"

#include "cli/config/find_consumer.hpp"
#include "cli/config/kafka_settings.hpp"
#include "cli/consumer_spec.hpp"
#include "cli/database.hpp"
#include "cli/replay/read_range.hpp"
#include "core/replay/replay_trial.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/kafka/log_reader.hpp"

namespace kinbox::cli {
namespace {

Table table_of(const ReplayTrial::Result& result) {
  Table table{{{"handler"},
               {"outcome"},
               {"events"},
               {"group"},
               {"error_type", false, 40},
               {"error_code", true},
               {"error_text", false, 60},
               {"sample_event", false, 40},
               {"sample_topic", true},
               {"sample_partition", true},
               {"sample_offset", true}},
              {}};
  const auto add = [&](const std::string& handler, const char* outcome, std::int64_t events) {
    if (events == 0) return;
    std::vector<Cell> row{handler, std::string(outcome), events};
    row.resize(table.columns.size());
    table.rows.push_back(std::move(row));
  };
  for (const auto& [name, handler] : result.by_handler) {
    add(name, "would succeed", handler.succeeded);
    add(name, "not tried", handler.not_tried);
  }
  for (const auto& group : result.groups)
    table.rows.push_back({group.failure.handler, "would fail", group.events, group.id,
                          group.failure.error_type, group.failure.error_code,
                          group.failure.error_text, group.sample_event,
                          group.sample_partition.topic,
                          std::int64_t{group.sample_partition.partition}, group.sample_offset});
  return table;
}

ReplayTrial::Result tried(ReplayTrial& trial, kafka::LogReader& reader, const ReplayPlan& plan) {
  try {
    read_range(reader, plan, [&](const auto& records) { trial.apply(records); });
    return trial.finish();
  } catch (const Error&) {
    // Whatever it was, no event ended the process.
    try {
      trial.leave();
    } catch (const InfrastructureError&) {
      // The next trial runs some events alone.
    }
    throw;
  }
}

}  // namespace

ExitCode run_trial(const Invocation& invocation, const Config& config, const ReplayPlan& plan,
                   bool treat_as_new) {
  const auto& consumer = find_consumer(config, plan.consumer);
  kafka::LogReader reader(make_settings(config));
  ReplayTrial trial({.consumer = make_spec(consumer, config, invocation.handlers),
                     .options = make_worker_options(consumer, config).dispatch,
                     .database = make_database_factory(config, Missing::kRefuse)(),
                     .plan = plan,
                     .treat_as_new = treat_as_new});
  const auto result = tried(trial, reader, plan);
  invocation.answer(table_of(result));
  invocation.io.err << "this was a trial: nothing was kept";
  if (result.outgoing > 0)
    invocation.io.err << "; " << result.outgoing << " events and e-mails would have left";
  if (result.alone > 0)
    invocation.io.err << "; the last trial of this plan did not come to its end, so "
                      << result.alone
                      << " events ran alone, and did not see what earlier ones would have left";
  if (result.passed_over > 0)
    invocation.io.err << "; " << result.passed_over
                      << " records concern no handler, or may have "
                         "run before";
  invocation.io.err << '\n';
  return result.groups.empty() ? ExitCode::kOk : ExitCode::kNotClean;
}

}  // namespace kinbox::cli
