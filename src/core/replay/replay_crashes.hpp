#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kinbox/database.hpp"
#include "kinbox/dead_letter.hpp"
#include "kinbox/replay.hpp"

namespace kinbox {

/// Finds the record that ends the process of a replay or of a trial, as CrashLedger does for those
/// of workers: when whoever had the replay did not leave in order, as many records of each
/// partition as one batch holds run alone, each behind a committed mark; a mark that is found by
/// whoever takes the replay next is charged to its record.
///
/// On the thread of the replay. One that is not under suspicion costs nothing.
class ReplayCrashes {
 public:
  enum class Of {
    kReplay,
    /// It begins anew each time: what it survived is known by its position, which only this moves.
    kTrial,
  };
  struct Parts {
    Database& database;
    Of of = Of::kReplay;
    /// How many records of a partition run alone.
    std::size_t first_batch = 500;
    /// How many processes a record may end.
    std::int64_t max_crashes = 3;
  };
  struct Place {
    TopicPartition partition;
    Offset offset = 0;

    auto operator<=>(const Place&) const = default;  // NOLINT(modernize-use-nullptr)
  };

  explicit ReplayCrashes(const Parts& parts);

  /// In the transaction in which `owner` takes the replay, before it does.
  void take(OpenTransaction& tx, std::int64_t replay, std::string_view owner);

  /// Whether any record has to run alone.
  bool suspicious() const noexcept { return !suspicions_.empty(); }
  /// Whether that one has to.
  bool suspects(const Place& place) const;
  /// Why it must not run again, if it ended as many processes as it may.
  std::optional<Failure> verdict(const Place& place) const;

  /// It runs next, alone. False when the replay is no longer ours. Throws InfrastructureError.
  bool begin(const Place& place);
  /// The process survived what it began last. COMMIT of its transaction says so by itself.
  void survived();
  /// One that had to run alone was decided. Ends the suspicion of its partition after the last.
  void decided(const TopicPartition& partition);

  /// Of a trial: what lies before these was survived.
  void reached(const std::map<TopicPartition, Offset>& offsets);

 private:
  struct Suspicion {
    Offset from = 0;
    std::size_t alone = 0;
  };

  Parts parts_;
  std::string charge_;
  std::string suspect_;
  std::string unmark_;
  std::string suspicions_of_;
  std::string crashes_of_;
  std::string begin_;
  std::string survived_;
  std::string reached_;
  std::string end_suspicion_;

  std::int64_t replay_ = 0;
  std::string owner_;
  std::map<TopicPartition, Suspicion> suspicions_;
  std::map<Place, std::int64_t> crashes_;
  std::optional<TopicPartition> marked_;
};

}  // namespace kinbox
