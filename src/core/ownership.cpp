#include "core/ownership.hpp"

#include <algorithm>
#include <utility>

#include "core/coordinates_text.hpp"
#include "core/own_statements.hpp"
#include "kinbox/errors.hpp"

namespace kinbox {
namespace {

using Clock = std::chrono::steady_clock;
using State = OwnedPartition::State;

constexpr std::chrono::duration<double> kMissedDelay{0.5};

/// Partitions per transaction: their rows stay locked until it ends.
constexpr std::size_t kTakenTogether = 500;

/// The whole group waits while partitions are being assigned.
void bound_wait_for_locks(OpenTransaction& tx) {
  if (tx.dialect().backend() == Backend::kPostgres) tx.execute("SET LOCAL lock_timeout = '2s'");
}

/// The sentence an operator reads, with the exact range.
std::string missing_range(const TopicPartition& id, Offset asked, const LogRange& log) {
  if (asked < log.start)
    return "gap: " + partition_text(id) + " starts at offset " + std::to_string(log.start) +
           ", our position is " + std::to_string(asked) + ": records " + std::to_string(asked) +
           " to " + std::to_string(log.start - 1) +
           " are gone (retention); kinbox position accept-gap goes on behind them";
  return "truncated: " + partition_text(id) + " ends at offset " + std::to_string(log.end) +
         ", our position is " + std::to_string(asked) +
         ": the topic was truncated or created anew; kinbox position accept-gap goes on";
}

std::string recreated(const std::string& topic, const std::string& id, const std::string& was) {
  return "recreated: topic \"" + topic + "\" was deleted and created anew: its id is " + id +
         ", our position belongs to the topic with the id " + was +
         "; kinbox position accept-gap begins with the new one";
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
  std::vector<OwnedPartition*> wanted;
  for (const auto& id : partitions) wanted.push_back(&partitions_.at(id));
  std::sort(wanted.begin(), wanted.end(), [](auto* a, auto* b) { return a->id < b->id; });
  topic_ids_.clear();
  const auto until = Clock::now() + parts_.patience;
  // One silence is enough: the group waits while we ask.
  if (take_together(wanted, until)) take_one_by_one(wanted, until);
  std::vector<std::optional<Offset>> starts;
  for (const auto& id : partitions) {
    const auto& partition = partitions_.at(id);
    starts.push_back(partition.state == State::kRunning ? std::optional(partition.claim.next_offset)
                                                        : std::nullopt);
  }
  return starts;
}

void Ownership::revoke(std::span<const TopicPartition> partitions, Revocation how) {
  // Also what was lost: nothing is in flight, and who has it by now is not disturbed.
  leave(partitions);
  for (const auto& id : partitions) {
    partitions_.erase(id);
    claim_attempts_.erase(id);
    parts_.observer.on_notice(notice::Revoked{id, how == Revocation::kLost});
  }
  // Another assignment follows, if only to say that there is nothing for us.
  if (partitions_.empty()) was_assigned_ = false;
}

void Ownership::claim_due() {
  const auto until = Clock::now() + parts_.patience;
  topic_ids_.clear();
  for (auto& [id, partition] : partitions_) {
    if (partition.state != State::kUnclaimed || partition.retry_at > Clock::now()) continue;
    take(partition);
    if (partition.state == State::kRunning) parts_.source.start_at(id, partition.claim.next_offset);
    if (Clock::now() >= until) return;
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

/// Those that have a position. False when the database did not let us.
bool Ownership::take_together(std::span<OwnedPartition* const> partitions, TimePoint until) {
  for (std::size_t first = 0; first < partitions.size(); first += kTakenTogether) {
    const auto some =
        partitions.subspan(first, std::min(kTakenTogether, partitions.size() - first));
    std::vector<std::optional<PartitionClaim>> claims;
    try {
      // Kafka is asked outside of any transaction, and before it: a position that is older than the
      // answer belongs to the same topic or to an older one.
      for (const auto* partition : some) topic_id(partition->id.topic);
      own_transaction(parts_.database, "take", [&](OpenTransaction& tx) {
        bound_wait_for_locks(tx);
        while (claims.size() < some.size() && (claims.empty() || Clock::now() < until))
          claims.push_back(take_in(tx, some[claims.size()]->id));
        parts_.set_aside.load(tx, some.first(claims.size()));
      });
    } catch (const InfrastructureError& e) {
      // With it, those before it were rolled back. They were quick, but it may have been waited
      // for.
      const auto failed = std::min(claims.size(), some.size() - 1);
      if (failed > 0) take_together(some.first(failed), Clock::now() + parts_.patience);
      not_taken(*some[failed], e);
      return false;
    }
    for (std::size_t i = 0; i < claims.size(); ++i)
      if (claims[i]) taken(*some[i], *claims[i]);
    if (Clock::now() >= until) return true;
  }
  return true;
}

/// Those that are not taken yet. False when the database or the broker did not let us.
bool Ownership::take_one_by_one(std::span<OwnedPartition* const> partitions, TimePoint until) {
  for (auto* partition : partitions) {
    if (partition->state != State::kUnclaimed) continue;
    if (Clock::now() >= until) return true;
    take(*partition);
    if (partition->state == State::kUnclaimed) return false;
  }
  return true;
}

void Ownership::taken(OwnedPartition& partition, const PartitionClaim& claim) {
  partition.claim = claim;
  partition.told = claim.next_offset;
  partition.state = State::kRunning;
  partition.failing_offset.reset();
  partition.decided_alone = 0;
  partition.redriven_alone = 0;
  partition.breaker_open = false;
  claim_attempts_.erase(partition.id);
  parts_.observer.on_notice(notice::Assigned{partition.id, claim});
  if (claim.held_by) {
    partition.state = State::kHeld;
    parts_.observer.on_notice(notice::Held{partition.id, *claim.held_by});
  }
  if (const auto reason = recreation(partition)) halt_or_postpone(partition, *reason);
}

void Ownership::take(OwnedPartition& partition) {
  try {
    topic_id(partition.id.topic);
    auto claim = take_existing(partition);
    if (!claim) {
      // Kafka is asked outside of any transaction: nobody waits for a lock while a broker is slow.
      create(partition.id, first_offset(partition.id));
      claim = take_existing(partition);
    }
    if (!claim)
      throw InfrastructureError("the position of " + partition_text(partition.id) + " vanished");
    taken(partition, *claim);
  } catch (const InfrastructureError& e) {
    not_taken(partition, e);
  }
}

/// The id of its topic was asked for.
std::optional<PartitionClaim> Ownership::take_in(OpenTransaction& tx, const TopicPartition& id) {
  return parts_.progress.take(tx, id, parts_.database.session(), topic_ids_.at(id.topic));
}

std::optional<PartitionClaim> Ownership::take_existing(OwnedPartition& partition) {
  std::optional<PartitionClaim> claim;
  OwnedPartition* const only = &partition;
  own_transaction(parts_.database, "take", [&](OpenTransaction& tx) {
    bound_wait_for_locks(tx);
    claim = take_in(tx, partition.id);
    parts_.set_aside.load(tx, {&only, 1});
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

void Ownership::not_taken(OwnedPartition& partition, const InfrastructureError& error) {
  std::string why = error.what();
  try {
    if (dynamic_cast<const LockTimeoutError*>(&error) != nullptr)
      why += stopped_owner_.end(parts_.database, partition.id);
  } catch (const InfrastructureError& e) {
    why += std::string("; and it cannot be seen what keeps the row: ") + e.what();
  }
  postpone(partition, why);
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

std::string Ownership::topic_id(const std::string& topic) {
  const auto known = topic_ids_.find(topic);
  if (known != topic_ids_.end()) return known->second;
  auto id = parts_.source.topic_id(topic);
  topic_ids_.emplace(topic, id);
  if (id.empty() && !std::exchange(said_unknown_id_, true))
    parts_.observer.on_notice(notice::SourceMessage{
        6,
        "topic \"" + topic +
            "\": its id cannot be told (that needs librdkafka 2.3 and brokers 2.8, or later): if "
            "it is deleted and created anew, that is noticed only when our position lies outside "
            "of the new log"});
  return id;
}

std::optional<std::string> Ownership::recreation(const OwnedPartition& partition) {
  const auto id = topic_id(partition.id.topic);
  const auto& was = partition.claim.topic_id;
  if (id.empty() || was.empty() || id == was) return std::nullopt;
  return recreated(partition.id.topic, id, was);
}

void Ownership::check_topics() {
  if (Clock::now() < next_topic_check_) return;
  next_topic_check_ = Clock::now() + parts_.topic_check;
  topic_ids_.clear();
  try {
    for (auto& [id, partition] : partitions_)
      if (partition.state == State::kRunning || partition.state == State::kWaiting)
        if (const auto reason = recreation(partition)) halt_or_postpone(partition, *reason);
  } catch (const InfrastructureError& e) {
    parts_.observer.on_notice(
        notice::SourceMessage{7, std::string("topic ids not compared: ") + e.what()});
  }
}

void Ownership::halt_or_postpone(OwnedPartition& partition, const std::string& reason) {
  try {
    halt(partition, partition.claim.next_offset, reason);
  } catch (const InfrastructureError& e) {
    // Taken again, it meets the same trouble again; until then nothing of it is dispatched.
    postpone(partition, e.what());
  }
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
