#include "cli/replay/plan_text.hpp"

#include "cli/commands/act_options.hpp"
#include "core/coordinates_text.hpp"

namespace kinbox::cli {
namespace {

std::vector<Cell> counts_of(const ReplayCounts& counts) {
  return {counts.in_range,   counts.applied, counts.dead,        counts.parked,    counts.skipped,
          counts.never_seen, counts.unknown, counts.undecodable, counts.unhandled, counts.outside};
}

void add_row(Table& table, std::vector<Cell> head, const ReplayCounts& counts, Cell gone) {
  auto cells = counts_of(counts);
  head.insert(head.end(), cells.begin(), cells.end());
  head.push_back(std::move(gone));
  table.rows.push_back(std::move(head));
}

std::int64_t to_run(const ReplayPlan& plan, const ReplayChoices& choices) {
  const auto total = plan.total();
  auto run = total.never_seen + (choices.treat_as_new ? total.unknown : 0);
  if (choices.mode == ReplayMode::kReprocess)
    run += total.applied + (choices.include_dead ? total.dead : 0);
  return run;
}

}  // namespace

Table table_of(const ReplayPlan& plan) {
  Table table{{{"what"},
               {"begin"},
               {"end"},
               {"in_range"},
               {"applied"},
               {"dead"},
               {"parked"},
               {"skipped"},
               {"never_seen"},
               {"unknown"},
               {"undecodable"},
               {"unhandled"},
               {"outside", true},
               {"gone"}},
              {}};
  for (const auto& partition : plan.partitions) {
    const auto& [id, begin, end] = partition.slice;
    add_row(table, {partition_text(id), begin, end}, partition.counts, partition.gone);
  }
  for (const auto& [name, counts] : plan.by_handler)
    add_row(table, {"handler " + name, Cell{}, Cell{}}, counts, Cell{});
  return table;
}

std::string sentence_of(const ReplayPlan& plan, const ReplayChoices& choices) {
  std::string text = "About to ";
  text += choices.mode == ReplayMode::kReprocess ? "run " : "run, if they have no verdict yet, ";
  text += "up to " + counted(to_run(plan, choices), "event") + " of consumer " + plan.consumer +
          " from " + counted(static_cast<std::int64_t>(plan.partitions.size()), "partition");
  if (choices.mode == ReplayMode::kReprocess)
    text += choices.beside_live ? ", beside its live workers"
                                : "; its live workers hold these partitions until it is done";
  return text + '.';
}

std::string warnings_of(const ReplayPlan& plan, const ReplayChoices& choices) {
  const auto total = plan.total();
  std::string text;
  if (total.unknown > 0 && !choices.treat_as_new)
    text += counted(total.unknown, "event") +
            " without a verdict may have run all the same (before the consumer began, or pruned "
            "since): left alone, unless --treat-as-new\n";
  if (total.unknown > 0 && choices.treat_as_new)
    text += counted(total.unknown, "event") +
            " may have run before and will run now: their effects may be doubled\n";
  const bool trial = choices.mode == ReplayMode::kTrial;
  if (total.parked > 0 && !trial)
    text += counted(total.parked, "event") + " wait in parked_events and are left alone\n";
  if (total.dead > 0 && !choices.include_dead && !trial)
    text += counted(total.dead, "event") + " are dead letters and are left alone" +
            (choices.mode == ReplayMode::kReprocess ? ", unless --include-dead" : "") +
            "; `kinbox dlq retry` runs them\n";
  std::int64_t gone = 0;
  for (const auto& partition : plan.partitions) gone += partition.gone;
  if (gone > 0)
    text += counted(gone, "offset") + " of the range are gone: retention has deleted them\n";
  return text;
}

}  // namespace kinbox::cli
