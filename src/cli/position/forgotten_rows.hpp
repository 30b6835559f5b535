#pragma once

#include <cstddef>
#include <string>

#include "cli/position/position_desk.hpp"

namespace kinbox::cli {

/// Deletes the inbox rows of records whose offsets come anew and are all that their events' ids are
/// made of: new records would be taken for duplicates.
///
/// In small transactions with rests between them, in order of the ids, and before the position goes
/// on: nobody waits for long, and who is interrupted repeats it and goes on where it stopped. The
/// old records are gone, so that no event can come a second time meanwhile.
class ForgottenRows {
 public:
  ForgottenRows(Database& database, std::string consumer, std::size_t batch);

  /// Of `move`'s partition, from offset `move.to` on. Throws PositionRefused when the position is
  /// not where the move begins: what was deleted by then stays deleted, and is counted.
  void remove(const Move& move) const;

 private:
  Database& database_;
  std::string consumer_;
  std::size_t batch_;
  std::string page_;
  std::string add_up_;
  std::string delete_;
};

}  // namespace kinbox::cli
