#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/dlq/letter_selection.hpp"
#include "kinbox/database.hpp"
#include "kinbox/rows.hpp"

namespace kinbox::cli {

/// Which actions a command is about. What is not given does not restrict.
struct AuditSelection {
  std::optional<std::string> consumer = {};
  std::optional<std::string> action = {};
  std::optional<std::string> who = {};
  std::optional<Timestamp> since = {};
  std::optional<Timestamp> until = {};
  /// Only rows before this id.
  std::optional<std::int64_t> before = {};
  std::int64_t limit = 100;
};

/// The table of what people did, for the command that looks. A call is a transaction of its own;
/// what cannot be carried out throws InfrastructureError.
class AuditView {
 public:
  explicit AuditView(Database& database) : database_(database) {}

  /// The latest first: id, at, who, action, consumer, filter, reason, affected, outcome.
  Rows list(const AuditSelection& selection);

 private:
  Database& database_;
};

}  // namespace kinbox::cli
