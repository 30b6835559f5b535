#include "cli/config/sections.hpp"
#include "cli/config/values.hpp"
#include "kinbox/dialect.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::cli {
namespace {

void check_schema(const ConfigNode& node, const std::string& schema) {
  try {
    const Dialect checked(Backend::kPostgres, schema);
  } catch (const ConfigurationError& e) {
    node.problem(e.what());
  }
}

PostgresConfig read_postgres(ConfigMap& map, const ConfigNode& uri) {
  PostgresConfig postgres;
  read_value(uri, postgres.uri);
  if (const auto schema = map.take("schema")) {
    read_value(*schema, postgres.schema);
    check_schema(*schema, postgres.schema);
  }
  if (const auto file = map.take("password_file")) postgres.password_file = file->text();
  if (const auto migrate = map.take("migrate"))
    read_word(*migrate, postgres.migrate, words::migrate());
  if (const auto coalesce = map.take("coalesce_inserts"))
    read_value(*coalesce, postgres.coalesce_inserts);
  return postgres;
}

}  // namespace

DatabaseConfig read_database(const ConfigNode& node) {
  ConfigMap map(node);
  DatabaseConfig database = SqliteConfig{};
  const auto sqlite = map.take("sqlite");
  const auto postgres = map.take("postgres");
  if (sqlite && postgres)
    node.problem("names two databases, sqlite and postgres; keep one");
  else if (postgres)
    database = read_postgres(map, *postgres);
  else if (sqlite)
    read_value(*sqlite, std::get<SqliteConfig>(database).path);
  else
    node.problem("names no database; add sqlite: kinbox.db, or postgres: postgresql://...");
  if (sqlite || postgres) map.refuse_the_rest();
  return database;
}

}  // namespace kinbox::cli
