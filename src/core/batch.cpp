#include "core/batch.hpp"

#include <algorithm>
#include <string>

#include "core/own_statements.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/reason.hpp"

namespace kinbox {
namespace {

std::int64_t Tally::*counter_of(Verdict verdict) {
  return verdict == Verdict::kParked ? &Tally::parked : &Tally::dead;
}

/// Its producer was told that it failed, when it became a letter.
bool was_told(const BatchItem& item) {
  return item.waited && (item.waited->place == Waited::Place::kLetter || item.waited->letter);
}

bool same_bytes(Bytes a, const ByteVector& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

}  // namespace

Batch::Batch(const Parts& parts, std::span<BatchItem* const> items, Manner manner)
    : parts_(parts),
      items_(items),
      manner_(manner),
      stretches_(stretches()),
      known_(items.size()),
      calls_(*parts.clock),
      aside_(parts.aside) {}

// The guarantee, in the order it happens.
BatchOutcome Batch::run() {
  started_ = std::chrono::steady_clock::now();
  const auto tx = parts_.database.begin();
  if (manner_.sending == Sending::kOneByOne) tx->send_one_by_one();
  try {
    open(*tx);
    parts_.observer.on_step(Step::kOpened);
    claim(*tx);
    parts_.observer.on_step(Step::kClaimed);
    settle_all(*tx);
    settle_aside(*tx);
    reply(*tx);
    pay(*tx);
    close(*tx);
    parts_.observer.on_step(Step::kBeforeCommit);
    calls_.commit(*tx, [&] { parts_.observer.on_step(Step::kCommitSent); });
  } catch (const Missed& missed) {
    return BatchClaimMissed{missed.partition};
  } catch (const HandlerCalls::Failed& failed) {
    return BatchEventFailed{failed.index, failed.error};
  } catch (const StatementSenders::OneOfSeveral&) {
    return BatchBlameOpen{};
  } catch (const BudgetSpent&) {
    return BatchBudgetSpent{first_death_};
  } catch (const TooLong& too_long) {
    return BatchTooLong{too_long.fits};
  } catch (const HasNew&) {
    return BatchHasNew{};
  } catch (const SqlError&) {
    return BatchCommitRefused{std::current_exception()};
  }
  if (tx->outbox_rows() > 0) notices_.push_back(notice::Emitted{tx->outbox_rows()});
  parts_.observer.on_step(Step::kCommitted);
  advance();
  return BatchCommitted{count_known()};
}

std::size_t Batch::count_known() const {
  return static_cast<std::size_t>(
      std::count_if(known_.begin(), known_.end(), [](const auto& k) { return k.has_value(); }));
}

std::vector<Batch::Stretch> Batch::stretches() const {
  std::vector<Stretch> found;
  for (const auto* item : items_) {
    const auto same = [&](const Stretch& s) { return s.partition == item->partition; };
    auto stretch = std::find_if(found.begin(), found.end(), same);
    if (stretch == found.end()) {
      found.push_back({item->partition, item->partition->claim.next_offset, {}});
      stretch = std::prev(found.end());
    }
    if (item->waited) continue;
    // Offsets without a record (transaction markers, compaction) count towards the position law.
    stretch->tally.gaps += item->record->offset() - stretch->next_offset;
    stretch->next_offset = item->record->offset() + 1;
  }
  // Lock order: every transaction takes its progress rows in this order.
  std::sort(found.begin(), found.end(),
            [](const Stretch& a, const Stretch& b) { return a.partition->id < b.partition->id; });
  return found;
}

Batch::Stretch& Batch::stretch_of(const BatchItem& item) {
  return *std::find_if(stretches_.begin(), stretches_.end(),
                       [&](const Stretch& s) { return s.partition == item.partition; });
}

void Batch::open(OpenTransaction& tx) {
  own_statements("open", [&] {
    parts_.lock.take(tx, manner_.lock);
    for (const auto& stretch : stretches_)
      openings_.push_back(parts_.progress.open(tx, stretch.partition->id, stretch.partition->claim,
                                               stretch.next_offset, parts_.database.session()));
  });
}

void Batch::require_open() const {
  for (std::size_t i = 0; i < stretches_.size(); ++i)
    if (openings_[i].result() == Progress::Opened::kMissed) throw Missed{stretches_[i].partition};
}

void Batch::claim(OpenTransaction& tx) {
  own_statements("claim", [&] {
    auto wanted = claims();
    if (manner_.claiming != Claiming::kAtOnce) wanted = without_read(tx, wanted);
    if (manner_.claiming == Claiming::kOnlyKnown && count_known() < items_.size()) throw HasNew{};
    const auto is_new = parts_.inbox.claim(tx, wanted.claims);
    // Opening and claiming travel together; the answers have come together as well.
    require_open();
    change_verdicts(tx);
    Claims old;
    for (std::size_t i = 0; i < is_new.size(); ++i)
      if (!is_new[i]) old.add(wanted.claims[i], wanted.items[i]);
    // Pruned between the claim and the look: its turn comes again with the retried batch.
    if (!without_known(tx, old).claims.empty())
      throw InfrastructureError("an inbox row vanished while it was looked at");
  });
  calls_.begin(tx, items_.size());
}

Batch::Claims Batch::claims() const {
  Claims all;
  for (std::size_t i = 0; i < items_.size(); ++i) {
    const auto& item = *items_[i];
    if (!item.event || (item.waited && item.waited->recorded)) continue;
    // A letter without an inbox row stays that if it fails again.
    if (item.waited && item.planned == Verdict::kDead) continue;
    all.add({.event_id = item.event->id(),
             .event_type = item.event->type(),
             .topic = item.record->topic(),
             .partition = item.record->partition(),
             .offset = item.record->offset(),
             .verdict = item.planned,
             .fingerprint = item.event->fingerprint()},
            i);
  }
  return all;
}

std::vector<std::string_view> Batch::ids_of(const Claims& claims) {
  std::vector<std::string_view> ids;
  for (const auto& claim : claims.claims) ids.push_back(claim.event_id);
  return ids;
}

Batch::Claims Batch::without_known(OpenTransaction& tx, const Claims& wanted) {
  return without(wanted, parts_.inbox.find(tx, ids_of(wanted)));
}

Batch::Claims Batch::without_read(OpenTransaction& tx, const Claims& wanted) {
  auto& [reader, claims] = parts_.memory;
  claims.begin(parts_.database.session(), std::chrono::steady_clock::now());
  bool hold = true;
  for (const auto& stretch : stretches_)
    hold = claims.holds(stretch.partition->id, stretch.partition->claim) && hold;
  if (!hold) reader.forget();
  const auto ids = ids_of(wanted);
  return without(wanted, reader.find(tx, ids, reader.recall(ids)));
}

Batch::Claims Batch::without(const Claims& wanted, InboxReader::Entries entries) {
  Claims unknown;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (entries[i])
      known_[wanted.items[i]] = std::move(entries[i]);
    else
      unknown.add(wanted.claims[i], wanted.items[i]);
  }
  return unknown;
}

void Batch::change_verdicts(OpenTransaction& tx) {
  std::vector<Inbox::Change> changes;
  Claims changed;
  for (std::size_t i = 0; i < items_.size(); ++i) {
    const auto& item = *items_[i];
    if (!item.waited || !item.waited->recorded || *item.waited->recorded == item.planned) continue;
    changes.push_back({item.event->id(), *item.waited->recorded, item.planned});
    Inbox::Claim claim{};
    claim.event_id = item.event->id();
    changed.add(claim, i);
  }
  if (changes.empty()) return;
  const auto done = parts_.inbox.change(tx, changes);
  Claims decided;
  for (std::size_t i = 0; i < done.size(); ++i)
    if (!done[i]) decided.add(changed.claims[i], changed.items[i]);
  if (!without_known(tx, decided).claims.empty())
    throw InfrastructureError("an event that was set aside has no inbox row");
}

void Batch::settle_all(OpenTransaction& tx) {
  if (manner_.patience) tx.give_way_after(*manner_.patience);
  for (std::size_t i = 0; i < items_.size(); ++i) settle(tx, i);
}

void Batch::settle(OpenTransaction& tx, std::size_t index) {
  if (known_[index])
    settle_known(tx, index, *known_[index]);
  else
    settle_new(tx, index);
  calls_.settled(tx);
}

void Batch::settle_known(OpenTransaction& tx, std::size_t index, const Inbox::Entry& entry) {
  const auto& item = *items_[index];
  if (item.waited) {
    // Decided meanwhile, under another record.
    aside_.leave(item);
    return count(item, &Tally::duplicates);
  }
  const notice::SeenAgain again{item.partition->id, item.record->offset(), item.event->id()};
  if (!same_bytes(item.event->fingerprint().bytes(), entry.fingerprint)) {
    if (parts_.id_conflict == IdConflict::kDeadLetter) {
      Failure failure;
      failure.reason = reason::kIdConflict;
      failure.error_text =
          "the event id is recorded already, with another payload: a producer gave two events one "
          "id";
      bury(tx, index, failure);
      return;
    }
    notices_.push_back(notice::IdConflictReported{again.partition, again.offset, again.event_id});
  }
  count(item, &Tally::duplicates);
  if (entry.verdict != Verdict::kDead && entry.verdict != Verdict::kParked) return;
  // A parked one may have its row only at the end of this batch.
  if (entry.verdict == Verdict::kParked) return aside_.note_seen_again(item);
  calls_.own("seen again", [&] {
    parts_.aside.dead_letters.note_seen_again(tx, item.event->id());
    tx.flush();
  });
  notices_.push_back(again);
}

void Batch::settle_new(OpenTransaction& tx, std::size_t index) {
  const auto& item = *items_[index];
  switch (item.planned) {
    case Verdict::kApplied:
      handle(tx, index);
      count(item, &Tally::applied);
      break;
    case Verdict::kSkipped:
      if (item.forward_to != nullptr) forward(tx, item);
      count(item, &Tally::skipped);
      notices_.push_back(notice::Skipped{item.partition->id, item.record->offset(),
                                         item.event ? item.event->id() : std::string(),
                                         item.failure});
      break;
    case Verdict::kDead:
      bury(tx, index, item.failure);
      break;
    case Verdict::kParked:
      park(item);
      return;
  }
  const bool letter_again =
      item.waited && item.waited->place == Waited::Place::kLetter && item.planned == Verdict::kDead;
  if (item.waited && !letter_again) aside_.leave(item);
}

void Batch::count(const BatchItem& item, std::int64_t Tally::*verdict) {
  auto& tally = stretch_of(item).tally;
  if (!item.waited) {
    ++(tally.*verdict);
    return;
  }
  // Imported: it stands for no offset of ours.
  if (!item.waited->counted) return;
  --(tally.*counter_of(*item.waited->counted));
  ++(tally.*verdict);
}

void Batch::handle(OpenTransaction& tx, std::size_t index) {
  const auto& item = *items_[index];
  calls_.call(tx, index, *item.handler, {.consumer = parts_.consumer, .event = &*item.event});
  parts_.observer.on_step(Step::kHandled);
  look_at_clock(index);
}

void Batch::bury(OpenTransaction& tx, std::size_t index, const Failure& failure) {
  const auto& item = *items_[index];
  const bool again = item.waited && item.waited->place == Waited::Place::kLetter;
  if (!again && deaths_++ == 0) first_death_ = index;
  calls_.own("dead letter", [&] {
    aside_.bury(tx, item, failure);
    tx.flush();
  });
  count(item, &Tally::dead);
  notices_.push_back(notice::DeadLettered{item.partition->id, item.record->offset(),
                                          item.event ? item.event->id() : std::string(), failure});
}

void Batch::forward(OpenTransaction& tx, const BatchItem& item) {
  calls_.own("failover", [&] {
    parts_.aside.dead_letters.forward(tx, Aside::letter_of(item, item.failure), *item.forward_to);
    tx.flush();
  });
}

void Batch::park(const BatchItem& item) {
  aside_.park(item);
  count(item, &Tally::parked);
  notices_.push_back(notice::Parked{item.partition->id, item.record->offset(), item.event->id(),
                                    item.due_in, item.failure});
}

void Batch::settle_aside(OpenTransaction& tx) {
  calls_.own("set aside", [&] {
    aside_.settle(tx);
    if (aside_.wrote()) tx.flush();
  });
}

void Batch::pay(OpenTransaction& tx) {
  if (deaths_ == 0) return;
  calls_.own("budget", [&] {
    if (!parts_.budget.spend(tx, deaths_)) throw BudgetSpent{};
  });
}

void Batch::reply(OpenTransaction& tx) {
  if (parts_.replies == nullptr) return;
  calls_.own("reply", [&] {
    for (std::size_t i = 0; i < items_.size(); ++i) {
      const auto& item = *items_[i];
      // What was known had its reply, or has none. An id_conflict is among it: under its id another
      // event had one.
      if (known_[i] || !item.event || was_told(item)) continue;
      if (auto why = parts_.replies->write(tx, *item.event, item.planned, item.failure))
        notices_.push_back(notice::ReplyRefused{item.partition->id, item.record->offset(),
                                                item.event->id(), std::move(*why)});
    }
  });
}

void Batch::close(OpenTransaction& tx) {
  calls_.own("close", [&] {
    for (const auto& stretch : stretches_)
      parts_.progress.close(tx, stretch.partition->id, stretch.tally);
  });
}

void Batch::look_at_clock(std::size_t index) const {
  if (index + 1 == items_.size()) return;
  if (std::chrono::steady_clock::now() - started_ <= parts_.max_transaction_time) return;
  throw TooLong{std::max<std::size_t>(index, 1)};
}

void Batch::advance() {
  Tally total;
  for (const auto& stretch : stretches_) {
    auto& partition = *stretch.partition;
    partition.claim.next_offset = stretch.next_offset;
    if (partition.failing_offset < partition.claim.next_offset) partition.failing_offset.reset();
    total += stretch.tally;
  }
  aside_.committed();
  parts_.budget.committed(deaths_,
                          static_cast<std::size_t>(std::max<std::int64_t>(0, total.applied)));
  for (const auto& entry : notices_) parts_.observer.on_notice(entry);
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - started_);
  parts_.observer.on_notice(notice::Committed{items_.size(), total, took});
}

}  // namespace kinbox
