#pragma once

#include <string>
#include <vector>

#include "kinbox/database.hpp"
#include "kinbox/migration.hpp"

namespace kinbox {

/// A named set of migrations: "kinbox" itself, or a handler with tables of its own.
struct SchemaComponent {
  std::string name;
  /// Of all databases; those of other backends are ignored.
  std::vector<Migration> migrations;
};

/// kinbox's own tables, embedded in the binary.
SchemaComponent kinbox_component();

/// Brings a database's schema to what this binary knows, and refuses to work on one it does not.
class SchemaMigrator {
 public:
  SchemaMigrator(Database& database, std::vector<SchemaComponent> components);

  struct Status {
    std::string component;
    int version = 0;
    std::string file;
    /// "pending", "applied", or "unknown" for a newer version that this binary does not have.
    std::string state;
    std::string applied_at;
  };

  /// Every migration of the binary and of the database.
  std::vector<Status> status();

  /// Applies what is missing, one transaction each, while other starters wait; returns the files it
  /// applied. Throws what validate() throws.
  std::vector<std::string> up();

  /// Throws RefusedError, naming the file, when an applied migration's text has changed since, or
  /// the schema demands a newer binary (`min_reader`).
  void validate();

  /// validate(), and RefusedError also when something is pending, naming `kinbox migrate up`.
  void require_current();

 private:
  Database& database_;
  std::vector<SchemaComponent> components_;
};

}  // namespace kinbox
