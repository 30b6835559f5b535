#include "simulation/operators.hpp"

#include <algorithm>

#include "cli/dlq/letter_desk.hpp"
#include "cli/parked/parked_desk.hpp"

namespace kinbox::simulation {
namespace {

using cli::LetterAct;
using cli::LetterDesk;
using cli::LetterPlan;
using cli::LetterSelection;
using cli::ParkedDesk;
using cli::ParkedEvent;
namespace acts = cli::acts;

Audit::Action action(const LetterAct& act) { return {.who = "zoe", .action = act.command}; }

/// One of `all`, or all of them.
template <typename T>
std::vector<T> some(Dice& dice, const std::vector<T>& all) {
  if (all.empty() || dice.one_in(2)) return all;
  return {all[dice.below(all.size())]};
}

void change(World& world, const LetterAct& act, bool all) {
  LetterDesk desk(world.store.database());
  auto plan = desk.plan(act, {});
  if (!all) plan.ids = some(world.dice, plan.ids);
  if (plan.ids.empty()) return;
  world.note(act.command, 0, static_cast<std::int64_t>(plan.ids.size()));
  desk.apply(act, plan, {action(act)});
}

/// Plans over parked events: heads, or all.
std::vector<ParkedEvent> parked(World& world, bool heads_only) {
  return some(world.dice, ParkedDesk(world.store.database()).plan({}, heads_only));
}

}  // namespace

void Operators::act() {
  switch (world_.dice.below(7)) {
    case 0:
    case 1:
      return retry_letters();
    case 2:
      return discard_letters();
    case 3:
      return restore_letters();
    case 4:
      return retry_parked();
    case 5:
      return release();
    default:
      return bury();
  }
}

void Operators::retry_letters() { change(world_, acts::kRetry, false); }
void Operators::discard_letters() { change(world_, acts::kDiscard, false); }
void Operators::restore_letters() { change(world_, acts::kRestore, false); }

void Operators::retry_parked() {
  const auto heads = parked(world_, true);
  if (heads.empty()) return;
  world_.note("parked retry", 0, static_cast<std::int64_t>(heads.size()));
  ParkedDesk(world_.store.database()).retry(heads, {.who = "zoe", .action = "parked retry"});
}

void Operators::release() {
  const auto heads = parked(world_, true);
  if (heads.empty()) return;
  for (const auto& head : heads) put_out_of_line(head.id, false);
  world_.note("parked release", 0, static_cast<std::int64_t>(heads.size()));
  ParkedDesk(world_.store.database()).release(heads, {.who = "zoe", .action = "parked release"});
}

void Operators::bury() {
  const auto events = parked(world_, false);
  if (events.empty()) return;
  for (const auto& event : events) put_out_of_line(event.id, true);
  world_.note("parked dead-letter", 0, static_cast<std::int64_t>(events.size()));
  ParkedDesk(world_.store.database())
      .dead_letter(events,
                   [](const std::string& consumer) {
                     return DeadLetters::Options{.consumer = consumer, .group = "g"};
                   },
                   {.who = "zoe", .action = "parked dead-letter"});
}

void Operators::put_out_of_line(std::int64_t parked_id, bool buried) {
  const auto tx = world_.store.database().begin();
  const auto id = tx->query("SELECT event_id FROM main.parked_events WHERE id = $1", parked_id)[0]
                      .get<std::string>(0);
  tx->execute("INSERT INTO main.out_of_line (event_id) VALUES ($1)", id);
  tx->commit();
  if (buried) world_.story.event(id).buried_by_hand = true;
}

void Operators::mend() {
  change(world_, acts::kRestore, true);
  change(world_, acts::kRetry, true);
}

bool Operators::wait() {
  const auto tx = world_.store.database().begin();
  const auto waiting =
      tx->query("SELECT count(*) FROM main.dead_letters WHERE state IN ('requested', 'parked')");
  return waiting[0].get<std::int64_t>(0) > 0;
}

bool Operators::is_done() {
  if (wait()) return false;
  const auto tx = world_.store.database().begin();
  bool done = true;
  for (const auto row : tx->query("SELECT event_id FROM main.dead_letters WHERE state = 'open' AND "
                                  "event_id IS NOT NULL AND reason <> 'id_conflict'")) {
    const auto& event = world_.story.event(row.get<std::string>(0));
    done = done && world_.story.fate(event) != Verdict::kApplied;
  }
  return done;
}

}  // namespace kinbox::simulation
