#include "core/ownership.hpp"

#include <algorithm>

#include "core/own_statements.hpp"
#include "kinbox/errors.hpp"

namespace kinbox {
namespace {

using Clock = std::chrono::steady_clock;
using State = OwnedPartition::State;

constexpr std::chrono::duration<double> kMissedDelay{0.5};

std::string name_of(const TopicPartition& id) {
  return id.topic + '/' + std::to_string(id.partition);
}

/// The sentence an operator reads, with the exact range.
std::string missing_range(const TopicPartition& id, Offset asked, const LogRange& log) {
  if (asked < log.start)
    return "gap: " + name_of(id) + " starts at offset " + std::to_string(log.start) +
           ", our position is " + std::to_string(asked) + ": records " + std::to_string(asked) +
           " to " + std::to_string(log.start - 1) +
           " are gone (retention); docs/operating.md says how to go on behind them";
  return "truncated: " + name_of(id) + " ends at offset " + std::to_string(log.end) +
         ", our position is " + std::to_string(asked) +
         ": the topic was truncated or created anew; docs/operating.md says how to go on";
}

}  // namespace

OwnedPartition* Ownership::find(const TopicPartition& partition) {
  const auto found = partitions_.find(partition);
  return found == partitions_.end() ? nullptr : &found->second;
}

std::vector<std::optional<Offset>> Ownership::assign(std::span<const TopicPartition> partitions) {
  was_assigned_ = true;
  for (const auto& id : partitions) {
    OwnedPartition fresh;
    fresh.id = id;
    partitions_.insert_or_assign(id, std::move(fresh));
    claim_attempts_.erase(id);
  }
  std::vector<std::optional<Offset>> starts;
  bool database_answers = true;
  for (const auto& id : partitions) {
    auto& partition = partitions_.at(id);
    // One silence is enough: the group waits while we ask.
    if (database_answers) take(partition);
    database_answers = database_answers && partition.state == State::kRunning;
    starts.push_back(partition.state == State::kRunning ? std::optional(partition.claim.next_offset)
                                                        : std::nullopt);
  }
  return starts;
}

void Ownership::revoke(std::span<const TopicPartition> partitions, Revocation how) {
  if (how == Revocation::kOrderly) leave(partitions);
  for (const auto& id : partitions) {
    partitions_.erase(id);
    claim_attempts_.erase(id);
    parts_.observer.on_notice(notice::Revoked{id, how == Revocation::kLost});
  }
}

void Ownership::claim_due() {
  for (auto& [id, partition] : partitions_) {
    if (partition.state != State::kUnclaimed || partition.retry_at > Clock::now()) continue;
    take(partition);
    if (partition.state == State::kRunning) parts_.source.start_at(id, partition.claim.next_offset);
  }
}

void Ownership::back_off_missed() {
  for (auto& [id, partition] : partitions_) {
    if (partition.state != State::kUnclaimed || partition.retry_at != Clock::time_point{}) continue;
    // Whoever took it from us may be right: Kafka tells us so in one of the polls until then.
    partition.retry_at = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                            kMissedDelay * uniform_(random_));
  }
}

std::optional<Clock::time_point> Ownership::next_claim() const {
  std::optional<Clock::time_point> next;
  for (const auto& [id, partition] : partitions_)
    if (partition.state == State::kUnclaimed)
      next = next ? std::min(*next, partition.retry_at) : partition.retry_at;
  return next;
}

void Ownership::take(OwnedPartition& partition) {
  try {
    auto claim = take_existing(partition.id);
    if (!claim) {
      // Kafka is asked outside of any transaction: nobody waits for a lock while a broker is slow.
      create(partition.id, first_offset(partition.id));
      claim = take_existing(partition.id);
    }
    if (!claim) throw InfrastructureError("the position of " + name_of(partition.id) + " vanished");
    partition.claim = *claim;
    partition.told = claim->next_offset;
    partition.state = State::kRunning;
    partition.failing_offset.reset();
    claim_attempts_.erase(partition.id);
    parts_.observer.on_notice(notice::Assigned{partition.id, *claim});
  } catch (const InfrastructureError& e) {
    postpone(partition, e.what());
  }
}

std::optional<PartitionClaim> Ownership::take_existing(const TopicPartition& id) {
  std::optional<PartitionClaim> claim;
  own_transaction(parts_.database, "take", [&](OpenTransaction& tx) {
    // The whole group waits while partitions are being assigned.
    if (tx.dialect().backend() == Backend::kPostgres) tx.execute("SET LOCAL lock_timeout = '2s'");
    claim = parts_.progress.take(tx, id, parts_.database.session());
  });
  return claim;
}

void Ownership::create(const TopicPartition& id, Offset first_offset) {
  own_transaction(parts_.database, "create",
                  [&](OpenTransaction& tx) { parts_.progress.create(tx, id, first_offset); });
}

Offset Ownership::first_offset(const TopicPartition& id) {
  if (const auto told = parts_.source.told(id)) return *told;
  switch (parts_.initial.kind) {
    case InitialPosition::Kind::kEarliest:
      return parts_.source.log_range(id).start;
    case InitialPosition::Kind::kLatest:
      return parts_.source.log_range(id).end;
    case InitialPosition::Kind::kSince:
      return parts_.source.offset_at(id, parts_.initial.since);
  }
  throw ConfigurationError("unknown initial position");
}

void Ownership::postpone(OwnedPartition& partition, const std::string& why) {
  const auto attempt = ++claim_attempts_[partition.id];
  partition.state = State::kUnclaimed;
  partition.retry_at = Clock::now() + backoff(parts_.backoff, attempt, uniform_(random_));
  parts_.observer.on_notice(notice::Unclaimed{partition.id, why});
}

void Ownership::out_of_range(const OutOfRange& trouble) {
  auto* partition = find(trouble.partition);
  if (partition == nullptr || partition->state == State::kHalted) return;
  try {
    const auto log = parts_.source.log_range(trouble.partition);
    if (trouble.asked >= log.start && trouble.asked <= log.end)
      return parts_.source.start_at(trouble.partition, partition->claim.next_offset);
    halt(*partition, trouble.asked, missing_range(trouble.partition, trouble.asked, log));
  } catch (const InfrastructureError& e) {
    // Taken and started again, it fails in the same way, and is looked at again.
    postpone(*partition, e.what());
  }
}

void Ownership::halt(OwnedPartition& partition, Offset offset, const std::string& reason) {
  own_transaction(parts_.database, "halt", [&](OpenTransaction& tx) {
    parts_.progress.halt(tx, partition.id, partition.claim, reason);
  });
  partition.state = State::kHalted;
  partition.failure.reason = reason;
  parts_.observer.on_notice(notice::Halted{partition.id, offset, reason});
}

void Ownership::leave(std::span<const TopicPartition> partitions) {
  try {
    own_transaction(parts_.database, "leave", [&](OpenTransaction& tx) {
      for (const auto& id : partitions) {
        const auto* partition = find(id);
        if (partition != nullptr && partition->state != State::kUnclaimed)
          parts_.progress.leave(tx, id, partition->claim);
      }
    });
  } catch (const InfrastructureError& e) {
    // The mark only spares our successor some care; without it the partition counts as crashed.
    parts_.observer.on_notice(
        notice::SourceMessage{7, std::string("clean stop not recorded: ") + e.what()});
  }
}

}  // namespace kinbox
