#pragma once

#include <string>

#include "kinbox/dialect.hpp"

namespace kinbox {

/// One numbered step of one component's schema, for one database.
///
/// The text may use the placeholders of Dialect::render. It is embedded in the binary, runs once,
/// in one transaction together with its row in `schema_history`, and never changes afterwards: its
/// checksum is compared at every start.
struct Migration {
  Backend backend = Backend::kSqlite;
  /// From 1, without gaps.
  int version = 1;
  /// As the file is called: `0001_inbox.sql`.
  std::string file;
  std::string sql;
  /// Oldest binary (by its newest known version of this component) that can work with the schema
  /// after this step.
  int min_reader = 1;
};

}  // namespace kinbox
