#include "core/replay/replay_batch.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "core/own_statements.hpp"
#include "kinbox/errors.hpp"

namespace kinbox {

ReplayBatch::ReplayBatch(const Parts& parts, Manner manner, std::span<ReplayItem> items)
    : parts_(parts),
      manner_(manner),
      items_(items),
      stretches_(stretches()),
      turns_(items.size(), Turn::kLeftAlone),
      calls_(parts.clock) {}

ReplayOutcome ReplayBatch::run() {
  started_ = std::chrono::steady_clock::now();
  const auto tx = parts_.database.begin();
  if (manner_.one_by_one) tx->send_one_by_one();
  try {
    open(*tx);
    look(*tx);
    claim(*tx);
    settle_all(*tx);
    reply(*tx);
    pay(*tx);
    close(*tx);
    calls_.commit(*tx, {});
  } catch (const Missed&) {
    return ReplayMissed{};
  } catch (const HandlerCalls::Failed& failed) {
    return ReplayEventFailed{failed.index, failed.error};
  } catch (const StatementSenders::OneOfSeveral&) {
    return ReplayBlameOpen{};
  } catch (const BudgetSpent&) {
    return ReplayBudgetSpent{};
  } catch (const TooMany& too_many) {
    return ReplayTooMany{too_many.fits};
  } catch (const TooLong& too_long) {
    return ReplayTooLong{too_long.fits};
  } catch (const SqlError&) {
    return ReplayCommitRefused{std::current_exception()};
  }
  advance();
  return ReplayCommitted{to_run_};
}

std::vector<ReplayBatch::Stretch> ReplayBatch::stretches() const {
  std::vector<Stretch> found;
  for (const auto& item : items_) {
    const auto same = [&](const Stretch& s) { return s.partition == item.partition; };
    auto stretch = std::find_if(found.begin(), found.end(), same);
    if (stretch == found.end()) {
      found.push_back({.partition = item.partition, .tally = {}, .next_offset = 0});
      stretch = std::prev(found.end());
      stretch->tally.partition = item.partition->progress.partition;
    }
    stretch->next_offset = item.record->offset() + 1;
  }
  std::sort(found.begin(), found.end(), [](const Stretch& a, const Stretch& b) {
    return a.tally.partition < b.tally.partition;
  });
  return found;
}

ReplayBatch::Stretch& ReplayBatch::stretch_of(const ReplayItem& item) {
  return *std::find_if(stretches_.begin(), stretches_.end(),
                       [&](const Stretch& s) { return s.partition == item.partition; });
}

std::vector<std::size_t> ReplayBatch::with(Turn turn) const {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < turns_.size(); ++i)
    if (turns_[i] == turn) found.push_back(i);
  return found;
}

void ReplayBatch::open(OpenTransaction& tx) {
  own_statements("open replay", [&] {
    parts_.lock.take(tx, manner_.lock);
    const auto& run = parts_.run;
    if (manner_.touch) parts_.rows.touch(tx, run.id, run.owner);
    std::vector<Executed> opened;
    for (const auto& stretch : stretches_)
      opened.push_back(parts_.rows.open(tx, run.id, run.owner, stretch.partition->progress,
                                        stretch.next_offset));
    for (const auto& one : opened)
      if (one.affected_rows() != 1) throw Missed{};
  });
}

void ReplayBatch::look(OpenTransaction& tx) {
  own_statements("look", [&] {
    std::vector<std::string_view> ids;
    std::vector<std::size_t> indices;
    for (std::size_t i = 0; i < items_.size(); ++i) {
      if (items_[i].outside) turns_[i] = Turn::kOutside;
      if (items_[i].outside || !items_[i].event) continue;
      ids.push_back(items_[i].event->id());
      indices.push_back(i);
    }
    const auto entries = parts_.inbox.find(tx, ids);
    for (std::size_t i = 0; i < entries.size(); ++i)
      turns_[indices[i]] = turn_of(items_[indices[i]], entries[i]);
    leave_parked_keys(tx);
    require_few_to_run();
  });
}

void ReplayBatch::require_few_to_run() {
  for (std::size_t i = 0; i < turns_.size(); ++i) {
    const auto turn = turns_[i];
    if (turn != Turn::kNew && turn != Turn::kAgain && turn != Turn::kRevived) continue;
    if (++to_run_ > manner_.max_to_run) throw TooMany{i};
  }
}

ReplayBatch::Turn ReplayBatch::turn_of(const ReplayItem& item,
                                       const std::optional<Inbox::Entry>& entry) const {
  const auto& choices = parts_.run.choices;
  const bool again = choices.mode == ReplayMode::kReprocess;
  if (item.handler == nullptr) return entry ? Turn::kKnown : Turn::kLeftAlone;
  if (!entry) {
    const bool trusted = item.record->offset() >= item.partition->trusted_from;
    return trusted || choices.treat_as_new ? Turn::kNew : Turn::kLeftAlone;
  }
  if (!again) return entry->verdict == Verdict::kApplied ? Turn::kKnown : Turn::kLeftAlone;
  // Another event under its id.
  if (!std::ranges::equal(item.event->fingerprint().bytes(), entry->fingerprint))
    return Turn::kLeftAlone;
  if (entry->verdict == Verdict::kApplied) return Turn::kAgain;
  const bool revived = entry->verdict == Verdict::kDead && choices.include_dead && !item.failure;
  return revived ? Turn::kRevived : Turn::kLeftAlone;
}

/// What would run for the first time, and behind events of its key that wait.
void ReplayBatch::leave_parked_keys(OpenTransaction& tx) {
  std::set<std::pair<const ReplayPartition*, QueueId>> waiting;
  std::set<const ReplayPartition*> asked;
  for (const auto index : with(Turn::kNew)) {
    const auto* partition = items_[index].partition;
    if (asked.insert(partition).second)
      for (const auto& queue : parts_.parked.queues(tx, &partition->progress.partition))
        waiting.emplace(partition, queue.id);
    if (waiting.contains({partition, queue_of(*items_[index].record)}))
      turns_[index] = Turn::kLeftAlone;
  }
}

void ReplayBatch::claim(OpenTransaction& tx) {
  own_statements("claim", [&] {
    // Positions before claims: the order of locks.
    revive(tx);
    claim_new(tx);
    claim_again(tx);
    mark_first(tx);
  });
  calls_.begin(tx, items_.size());
}

void ReplayBatch::revive(OpenTransaction& tx) {
  std::vector<Inbox::Change> changes;
  std::vector<std::int64_t> letters;
  std::set<std::string_view> seen;
  for (const auto index : with(Turn::kRevived)) {
    const auto& id = items_[index].event->id();
    const auto letter = parts_.letters.retryable(tx, id);
    if (!letter || !seen.insert(id).second) {
      turns_[index] = Turn::kLeftAlone;
      continue;
    }
    if (letter->counted) parts_.letters.count_as_applied(tx, letter->partition);
    letters.push_back(letter->id);
    changes.push_back({id, Verdict::kDead, Verdict::kApplied});
  }
  if (changes.empty()) return;
  const auto changed = parts_.inbox.change(tx, changes);
  if (std::ranges::count(changed, false) > 0)
    throw InfrastructureError("a dead letter was tried again while it was looked at");
  parts_.letter_rows.resolve(tx, letters);
}

void ReplayBatch::claim_new(OpenTransaction& tx) {
  std::vector<Inbox::Claim> claims;
  const auto fresh = with(Turn::kNew);
  for (const auto index : fresh) {
    const auto& item = items_[index];
    claims.push_back({.event_id = item.event->id(),
                      .event_type = item.event->type(),
                      .topic = item.record->topic(),
                      .partition = item.record->partition(),
                      .offset = item.record->offset(),
                      .verdict = item.failure ? Verdict::kDead : Verdict::kApplied,
                      .fingerprint = item.event->fingerprint()});
  }
  const auto is_new = parts_.inbox.claim(tx, claims);
  for (std::size_t i = 0; i < fresh.size(); ++i)
    if (!is_new[i]) turns_[fresh[i]] = Turn::kKnown;
}

void ReplayBatch::claim_again(OpenTransaction& tx) {
  std::vector<std::string_view> ids;
  std::vector<std::size_t> first;
  std::set<std::string_view> seen;
  for (const auto index : with(Turn::kAgain)) {
    const std::string_view id = items_[index].event->id();
    if (seen.insert(id).second) {
      ids.push_back(id);
      first.push_back(index);
    } else {
      turns_[index] = Turn::kKnown;
    }
  }
  const auto claimed = parts_.inbox.claim_generation(tx, ids, parts_.run.generation);
  std::vector<Inbox::Change> died;
  for (std::size_t i = 0; i < first.size(); ++i) {
    if (!claimed[i])
      turns_[first[i]] = Turn::kKnown;
    else if (items_[first[i]].failure)
      died.push_back({ids[i], Verdict::kApplied, Verdict::kDead});
  }
  parts_.inbox.change(tx, died);
}

/// What runs for the first time has run in this generation, too: a copy further up does not.
void ReplayBatch::mark_first(OpenTransaction& tx) {
  if (parts_.run.generation == 0) return;
  std::vector<std::string_view> ids;
  for (const auto turn : {Turn::kNew, Turn::kRevived})
    for (const auto index : with(turn))
      if (!items_[index].failure) ids.push_back(items_[index].event->id());
  parts_.inbox.claim_generation(tx, ids, parts_.run.generation);
}

void ReplayBatch::settle_all(OpenTransaction& tx) {
  for (std::size_t i = 0; i < items_.size(); ++i) {
    settle(tx, i);
    calls_.settled(tx);
  }
}

void ReplayBatch::settle(OpenTransaction& tx, std::size_t index) {
  auto& item = items_[index];
  auto& tally = stretch_of(item).tally;
  if (turns_[index] == Turn::kOutside) return;
  if (turns_[index] == Turn::kNew) ++stretch_of(item).fresh;
  if (turns_[index] == Turn::kLeftAlone) {
    ++tally.left_alone;
  } else if (turns_[index] == Turn::kKnown) {
    ++tally.known;
  } else if (item.failure) {
    bury(tx, index);
    ++tally.dead;
  } else {
    const auto silenced = tx.silenced();
    calls_.call(tx, index, *item.handler, handling_of(index));
    tally.silenced += static_cast<std::int64_t>(tx.silenced() - silenced);
    ++tally.applied;
    look_at_clock(index);
  }
}

Handling ReplayBatch::handling_of(std::size_t index) const {
  const auto& choices = parts_.run.choices;
  const bool again = turns_[index] == Turn::kAgain;
  return {.consumer = parts_.run.consumer,
          .event = &*items_[index].event,
          .generation = again ? parts_.run.generation : 0,
          .silences_events = again && !choices.emit,
          .silences_mail = again && choices.mail_revision == 0,
          .mail_revision = again ? choices.mail_revision : 0};
}

void ReplayBatch::bury(OpenTransaction& tx, std::size_t index) {
  const auto& item = items_[index];
  const auto& progress = item.partition->progress;
  ++deaths_;
  calls_.own("dead letter", [&] {
    const auto earlier = parts_.letters.of_record(
        tx, {progress.partition, progress.topic_id, item.record->offset()});
    if (earlier) {
      parts_.letters.stop_counting(tx, *earlier);
      parts_.dead_letters.reopen(tx, *earlier, *item.record, *item.failure);
    } else {
      parts_.dead_letters.write(tx, {.record = item.record,
                                     .event = &*item.event,
                                     .failure = *item.failure,
                                     .topic_id = progress.topic_id,
                                     .imported = true});
    }
    tx.flush();
  });
}

void ReplayBatch::look_at_clock(std::size_t index) const {
  if (index + 1 == items_.size()) return;
  if (std::chrono::steady_clock::now() - started_ <= parts_.max_transaction_time) return;
  throw TooLong{std::max<std::size_t>(index, 1)};
}

/// Producers are told of first verdicts only.
void ReplayBatch::reply(OpenTransaction& tx) {
  if (parts_.replies == nullptr) return;
  calls_.own("reply", [&] {
    for (const auto index : with(Turn::kNew)) {
      const auto& item = items_[index];
      parts_.replies->write(tx, *item.event, item.failure ? Verdict::kDead : Verdict::kApplied,
                            item.failure.value_or(Failure{}));
    }
  });
}

void ReplayBatch::pay(OpenTransaction& tx) {
  if (deaths_ == 0) return;
  calls_.own("budget", [&] {
    if (!parts_.budget.spend(tx, deaths_)) throw BudgetSpent{};
  });
}

void ReplayBatch::close(OpenTransaction& tx) {
  calls_.own("close", [&] {
    for (const auto& stretch : stretches_)
      parts_.rows.close(tx, parts_.run.id, stretch.tally, stretch.fresh);
  });
}

void ReplayBatch::advance() {
  std::size_t applied = 0;
  for (const auto& stretch : stretches_) {
    auto& progress = stretch.partition->progress;
    progress.next = stretch.next_offset;
    progress.applied += stretch.tally.applied;
    progress.known += stretch.tally.known;
    progress.dead += stretch.tally.dead;
    progress.left_alone += stretch.tally.left_alone;
    progress.silenced += stretch.tally.silenced;
    applied += static_cast<std::size_t>(stretch.tally.applied);
  }
  parts_.budget.committed(deaths_, applied);
}

}  // namespace kinbox
