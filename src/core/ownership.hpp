#pragma once

#include <chrono>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "kinbox/database.hpp"
#include "kinbox/dispatcher.hpp"
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
    Observer& observer;
    InitialPosition initial;
    RetryPolicy backoff;
  };

  explicit Ownership(const Parts& parts) : parts_(parts) {}

  OwnedPartitions& partitions() noexcept { return partitions_; }
  const OwnedPartitions& partitions() const noexcept { return partitions_; }
  OwnedPartition* find(const TopicPartition& partition);

  /// For AssignmentListener::on_assigned.
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

  /// Whether partitions were ever assigned, be it none.
  bool was_assigned() const noexcept { return was_assigned_; }

 private:
  void take(OwnedPartition& partition);
  std::optional<PartitionClaim> take_existing(const TopicPartition& id);
  void create(const TopicPartition& id, Offset first_offset);
  Offset first_offset(const TopicPartition& id);
  void postpone(OwnedPartition& partition, const std::string& why);
  void halt(OwnedPartition& partition, Offset offset, const std::string& reason);
  void leave(std::span<const TopicPartition> partitions);

  Parts parts_;
  OwnedPartitions partitions_;
  std::map<TopicPartition, int> claim_attempts_;
  bool was_assigned_ = false;
  std::mt19937_64 random_{std::random_device{}()};
  std::uniform_real_distribution<double> uniform_{0.0, 1.0};
};

}  // namespace kinbox
