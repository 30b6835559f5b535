#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "core/retention/pace.hpp"
#include "kinbox/retention.hpp"

namespace kinbox {

/// Deletes a consumer's dead letters that were resolved or discarded before the window, with their
/// history and what the outbox still has of them.
///
/// A letter stays while something refers to it that is not done with (a row on its way to a topic,
/// a parked event), and while its record is yet to be read: poison has no row in the inbox, its
/// letter is what is known of it. The verdict of a discarded one stays in the inbox: its event
/// never runs.
class DoneLetters {
 public:
  DoneLetters(Database& database, std::string consumer, std::chrono::milliseconds window,
              const PruneOptions& options);

  void run(Pace& pace, Pruner::Report& report);
  void preview(Pruner::Report& report);

 private:
  /// Statements about letters in one state.
  struct State {
    std::string page;
    std::string count;
    std::string lock;
  };

  std::int64_t remove(OpenTransaction& tx, const State& state,
                      const std::vector<std::int64_t>& ids) const;

  Database& database_;
  std::string consumer_;
  std::chrono::milliseconds window_;
  const PruneOptions& options_;
  std::vector<State> states_;
  std::string imported_;
  std::string add_up_;
  std::string delete_outbox_;
  std::string delete_;
};

}  // namespace kinbox
