#pragma once

#include <cstdint>

#include "cli/dlq/letter_selection.hpp"
#include "cli/output/page.hpp"
#include "kinbox/database.hpp"
#include "kinbox/rows.hpp"

namespace kinbox::cli {

/// The tables of dead letters, for commands that look. Each call is a transaction of its own; what
/// cannot be carried out throws InfrastructureError. Columns are named as the commands name them.
class LetterView {
 public:
  explicit LetterView(Database& database) : database_(database) {}

  /// One row per consumer and group, the largest first, with what its latest letter says: group,
  /// consumer, reason, handler, error_type, error_code, letters, first_seen, last_seen, redrives,
  /// sample, error_text. From an index alone if the selection is of consumer, group and states.
  Rows groups(const LetterSelection& selection, std::int64_t limit);

  /// By id.
  Rows list(const LetterSelection& selection, const Page& page);

 private:
  Rows ask(std::string_view sql, const std::vector<SqlParam>& params);

  Database& database_;
};

}  // namespace kinbox::cli
