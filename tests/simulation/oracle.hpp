#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kinbox/progress.hpp"
#include "simulation/world.hpp"

namespace kinbox::simulation {

/// Holds what the database says against the story, by SQL and by a count of its own.
class Oracle {
 public:
  explicit Oracle(World& world) : world_(world), story_(world.story) {}

  /// What holds between any two transactions. Complains to the world.
  void judge_midway();
  /// What holds when everything is consumed.
  void judge_the_end();

 private:
  struct Place {
    TopicPartition partition;
    Offset offset = 0;
    auto operator<=>(const Place&) const = default;
  };
  struct Processed {
    Place place;
    std::string verdict;
  };
  struct Letter {
    std::optional<std::string> event_id;
    std::string reason;
    std::int64_t seen_again = 0;
  };

  void read();
  std::int64_t number(std::string_view sql);
  void expect(std::int64_t actual, std::int64_t expected, const std::string& what);
  void expect_none(std::string_view sql, const std::string& what);

  void judge_event(const PlannedEvent& event);
  void judge_effect(const PlannedEvent& event, const Processed& processed);
  void judge_letter(const PlannedEvent& event, const Processed& processed);
  void judge_partition(const TopicPartition& id, const Story::Partition& partition);
  void judge_poison(const Place& place);
  /// What the record at `place` counts as, and its place in the rest of the story.
  void count(const Place& place, const PlannedRecord& record, Tally& tally);
  void count_repetition(const Place& place, const PlannedRecord& record, const Processed& winner,
                        Tally& tally);
  Tally stored_tally(const TopicPartition& id);
  const PlannedRecord* record_at(const Place& place) const;

  World& world_;
  const Story& story_;
  std::map<std::string, Processed> processed_;
  std::map<Place, Letter> letters_;
  /// How often a dead event must have been seen again.
  std::map<std::string, std::int64_t> seen_again_;
  std::int64_t letters_expected_ = 0;
};

}  // namespace kinbox::simulation
