#pragma once

#include <string>
#include <vector>

#include "cli/inbox/recount.hpp"
#include "kinbox/database.hpp"

namespace kinbox::cli {

struct TableCheck {
  std::string name;
  Finding finding = Finding::kOk;
  /// What was found, or why nobody can tell.
  std::string note = {};
};

/// Whether the tables are what the promise stands on: no id twice in the inbox, found without its
/// index; indexes that are valid and agree with their tables (amcheck where it is installed,
/// integrity_check on SQLite); waiting events and open letters have their inbox rows. Reads whole
/// tables; each check is a transaction of its own. Throws InfrastructureError.
std::vector<TableCheck> check_tables(Database& database);

}  // namespace kinbox::cli
