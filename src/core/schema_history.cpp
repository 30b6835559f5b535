#include "core/schema_history.hpp"

#include "core/checksum.hpp"

namespace kinbox {
namespace {

constexpr std::string_view kExistsInSqlite =
    "SELECT 1 FROM {kinbox}.sqlite_master WHERE type = 'table' AND name = 'schema_history'";
constexpr std::string_view kExistsInPostgres =
    "SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = '{kinbox}' AND tablename = "
    "'schema_history'";
constexpr std::string_view kSchemaExists =
    "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = '{kinbox}'";

// Advisory locks are the database's, not the schema's: the second number keeps two schemas apart.
constexpr std::string_view kLockPostgres =
    "SELECT pg_advisory_xact_lock(1802071650, hashtext('{kinbox}'))";

constexpr std::string_view kCreateSchema = "CREATE SCHEMA {kinbox}";
constexpr std::string_view kCreateInSqlite =
    "CREATE TABLE {kinbox}.schema_history ("
    "component TEXT NOT NULL, version INTEGER NOT NULL, file TEXT NOT NULL, "
    "checksum TEXT NOT NULL, min_reader INTEGER NOT NULL, "
    "applied_at TEXT NOT NULL DEFAULT ({now}), duration_ms INTEGER NOT NULL, "
    "PRIMARY KEY (component, version)) STRICT";
constexpr std::string_view kCreateInPostgres =
    "CREATE TABLE {kinbox}.schema_history ("
    "component text COLLATE \"C\" NOT NULL, version integer NOT NULL, file text NOT NULL, "
    "checksum text NOT NULL, min_reader integer NOT NULL, "
    "applied_at timestamptz NOT NULL DEFAULT {now}, duration_ms bigint NOT NULL, "
    "PRIMARY KEY (component, version))";

constexpr std::string_view kRead =
    "SELECT component, version, file, checksum, min_reader, CAST(applied_at AS text) AS applied_at "
    "FROM {kinbox}.schema_history ORDER BY component, version";
constexpr std::string_view kAdd =
    "INSERT INTO {kinbox}.schema_history "
    "(component, version, file, checksum, min_reader, duration_ms) VALUES ($1, $2, $3, $4, $5, $6)";

}  // namespace

SchemaHistory::SchemaHistory(const Dialect& dialect) : dialect_(dialect) {}

bool SchemaHistory::exists(OpenTransaction& tx) const {
  const bool sqlite = dialect_.backend() == Backend::kSqlite;
  return !tx.query(dialect_.render(sqlite ? kExistsInSqlite : kExistsInPostgres)).empty();
}

std::vector<SchemaHistory::Entry> SchemaHistory::read(OpenTransaction& tx) const {
  std::vector<Entry> entries;
  if (!exists(tx)) return entries;
  for (const auto row : tx.query(dialect_.render(kRead)))
    entries.push_back({.component = row.get<std::string>("component"),
                       .version = static_cast<int>(row.get<std::int64_t>("version")),
                       .file = row.get<std::string>("file"),
                       .checksum = row.get<std::string>("checksum"),
                       .min_reader = static_cast<int>(row.get<std::int64_t>("min_reader")),
                       .applied_at = row.get<std::string>("applied_at")});
  return entries;
}

void SchemaHistory::lock(OpenTransaction& tx) const {
  // On SQLite BEGIN IMMEDIATE has locked already.
  if (dialect_.backend() == Backend::kPostgres) tx.query(dialect_.render(kLockPostgres));
}

void SchemaHistory::create(OpenTransaction& tx) const {
  if (exists(tx)) return;
  if (dialect_.backend() == Backend::kSqlite) {
    tx.execute(dialect_.render(kCreateInSqlite));
    return;
  }
  if (tx.query(dialect_.render(kSchemaExists)).empty()) tx.execute(dialect_.render(kCreateSchema));
  tx.execute(dialect_.render(kCreateInPostgres));
}

void SchemaHistory::add(OpenTransaction& tx, const std::string& component,
                        const Migration& migration, std::chrono::milliseconds duration) const {
  tx.execute(dialect_.render(kAdd), component, migration.version, migration.file,
             checksum(migration.sql), migration.min_reader, duration.count());
}

}  // namespace kinbox
