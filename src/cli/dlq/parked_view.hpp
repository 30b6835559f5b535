#pragma once

#include <cstdint>

#include "cli/dlq/letter_selection.hpp"
#include "cli/output/page.hpp"
#include "kinbox/database.hpp"
#include "kinbox/rows.hpp"

namespace kinbox::cli {

/// The queues of events whose key waits, for commands that look. Each call is a transaction of its
/// own; what cannot be carried out throws InfrastructureError. Columns are named as the commands
/// name them.
class ParkedView {
 public:
  explicit ParkedView(Database& database) : database_(database) {}

  /// By id. `ahead`: how many of its queue come first; the one with none ahead is tried at
  /// `due_at`.
  Rows list(const LetterSelection& selection, const Page& page);
  /// One row with its record, too, or none.
  Rows show(std::int64_t id);

 private:
  Database& database_;
};

}  // namespace kinbox::cli
