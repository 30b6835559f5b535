#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "kinbox/migrations.hpp"

namespace kinbox {

/// The rows of `schema_history`: which migrations a database has seen. Writes inside the caller's
/// transaction, holds no state.
class SchemaHistory {
 public:
  explicit SchemaHistory(const Dialect& dialect);

  struct Entry {
    std::string component;
    int version = 0;
    std::string file;
    std::string checksum;
    int min_reader = 1;
    std::string applied_at;
  };

  /// In order of component and version; empty where there is no such table yet.
  std::vector<Entry> read(OpenTransaction& tx) const;

  /// Keeps other starters out until the transaction ends. Throws InfrastructureError when another
  /// one does not finish in time.
  void lock(OpenTransaction& tx) const;

  /// Makes schema and table where they are missing. Asks first: a role that may not create can
  /// still start on a database that is up to date.
  void create(OpenTransaction& tx) const;

  void add(OpenTransaction& tx, const std::string& component, const Migration& migration,
           std::chrono::milliseconds duration) const;

 private:
  bool exists(OpenTransaction& tx) const;

  Dialect dialect_;
};

}  // namespace kinbox
