#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "core/set_aside.hpp"
#include "core/stopped_owner.hpp"
#include "kinbox/database.hpp"
#include "kinbox/dispatcher.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/observer.hpp"
#include "kinbox/progress.hpp"
#include "kinbox/source.hpp"
#include "kinbox/worker.hpp"

namespace kinbox {

/// The partitions one worker has: takes them in the database when Kafka assigns them, takes them
/// again when the claim was lost, lets go of them.
///
/// While the database does not let us take a partition it stays assigned, unclaimed and unfetched.
class Ownership {
 public:
  struct Parts {
    Source& source;
    Database& database;
    const Progress& progress;
    const SetAside& set_aside;
    Observer& observer;
    InitialPosition initial;
    RetryPolicy backoff;
    /// How long one call takes partitions, so that the group does not wait and polling goes on, be
    /// there 10,000 of them. At least one is taken; the others' turn comes in claim_due.
    std::chrono::milliseconds patience{2'000};
    std::chrono::milliseconds topic_check{30'000};
  };

  explicit Ownership(const Parts& parts)
      : parts_(parts), stopped_owner_(parts.progress.consumer(), parts.database.dialect()) {}

  OwnedPartitions& partitions() noexcept { return partitions_; }
  const OwnedPartitions& partitions() const noexcept { return partitions_; }
  OwnedPartition* find(const TopicPartition& partition);

  /// For AssignmentListener::on_assigned. Those that have a position are taken many at a time, in
  /// order of topic and partition.
  std::vector<std::optional<Offset>> assign(std::span<const TopicPartition> partitions);
  /// For AssignmentListener::on_revoked.
  void revoke(std::span<const TopicPartition> partitions, Revocation how);

  /// Takes the unclaimed partitions whose time has come, and starts fetching them.
  void claim_due();
  /// Gives partitions whose claim was just missed a moment before they are taken again.
  void back_off_missed();
  /// When claim_due has something to do next.
  std::optional<std::chrono::steady_clock::time_point> next_claim() const;

  /// The log does not hold what we asked for: stops the partition, with the exact range.
  void out_of_range(const OutOfRange& trouble);

  /// Stops the partitions whose topic was deleted and created anew: their positions belong to
  /// another log. Asks the broker now and then only, and for want of an answer the next time.
  void check_topics();

  /// Whether the group has said what is ours, be it nothing, and has not taken it all back since.
  bool was_assigned() const noexcept { return was_assigned_; }

 private:
  using TimePoint = std::chrono::steady_clock::time_point;

  bool take_together(std::span<OwnedPartition* const> partitions, TimePoint until);
  bool take_one_by_one(std::span<OwnedPartition* const> partitions, TimePoint until);
  void take(OwnedPartition& partition);
  void taken(OwnedPartition& partition, const PartitionClaim& claim);
  std::optional<PartitionClaim> take_in(OpenTransaction& tx, const TopicPartition& id);
  std::optional<PartitionClaim> take_existing(OwnedPartition& partition);
  void create(const TopicPartition& id, Offset first_offset);
  Offset first_offset(const TopicPartition& id);
  /// The database or the broker did not let us take it.
  void not_taken(OwnedPartition& partition, const InfrastructureError& error);
  void postpone(OwnedPartition& partition, const std::string& why);
  void halt(OwnedPartition& partition, Offset offset, const std::string& reason);
  void leave(std::span<const TopicPartition> partitions);
  std::string topic_id(const std::string& topic);
  /// Why it must not go on, if its topic is not the one its position belongs to.
  std::optional<std::string> recreation(const OwnedPartition& partition);
  void halt_or_postpone(OwnedPartition& partition, const std::string& reason);

  Parts parts_;
  StoppedOwner stopped_owner_;
  OwnedPartitions partitions_;
  std::map<TopicPartition, int> claim_attempts_;
  bool was_assigned_ = false;
  /// As told in this round; one question per topic is enough.
  std::map<std::string, std::string> topic_ids_;
  std::chrono::steady_clock::time_point next_topic_check_{};
  bool said_unknown_id_ = false;
  std::mt19937_64 random_{std::random_device{}()};
  std::uniform_real_distribution<double> uniform_{0.0, 1.0};
};

}  // namespace kinbox
