#include "store.hpp"

#include <filesystem>
#include <stdexcept>

#include "core/random_name.hpp"
#include "kinbox/migrations.hpp"
#include "kinbox/postgres/database.hpp"
#include "kinbox/sqlite/database.hpp"
#include "orders.hpp"

namespace kinbox::bench {
namespace {

constexpr const char* kOrdersOnPostgres =
    "CREATE TABLE {kinbox}.orders (event_id text NOT NULL, order_id text PRIMARY KEY, "
    "buyer_id text NOT NULL, amount numeric NOT NULL)";
constexpr const char* kOrdersOnSqlite =
    "CREATE TABLE {kinbox}.orders (event_id TEXT NOT NULL, order_id TEXT NOT NULL PRIMARY KEY, "
    "buyer_id TEXT NOT NULL, amount TEXT NOT NULL) STRICT";

constexpr const char* kAccountsOnPostgres =
    "CREATE TABLE {kinbox}.accounts (id bigint PRIMARY KEY, balance numeric NOT NULL DEFAULT 0, "
    "changes bigint NOT NULL DEFAULT 0)";
constexpr const char* kAccountsOnSqlite =
    "CREATE TABLE {kinbox}.accounts (id INTEGER PRIMARY KEY, balance REAL NOT NULL DEFAULT 0, "
    "changes INTEGER NOT NULL DEFAULT 0) STRICT";
constexpr const char* kOpenAccounts =
    "WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < ";

constexpr const char* kCounts =
    "SELECT (SELECT count(*) FROM {kinbox}.orders), (SELECT sum(changes) FROM {kinbox}.accounts), "
    "(SELECT count(*) FROM {kinbox}.processed_events), (SELECT coalesce(sum(next_offset - "
    "first_offset), 0) "
    "FROM {kinbox}.consumer_progress), "
    "(SELECT count(*) FROM {kinbox}.parked_events WHERE record_offset >= 0)";

void remove_file(const std::string& path) {
  for (const auto* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path + suffix);
}

}  // namespace

Store::Store(Backend backend, std::string location)
    : backend_(backend),
      location_(std::move(location)),
      schema_(backend == Backend::kSqlite ? "main" : "bench_" + random_name()) {
  if (backend_ == Backend::kSqlite && std::filesystem::exists(location_))
    throw std::runtime_error(location_ + " exists; name a new file");
  const auto database = factory()();
  SchemaMigrator(*database, {kinbox_component()}).up();
  const bool sqlite = backend_ == Backend::kSqlite;
  run(sqlite ? kOrdersOnSqlite : kOrdersOnPostgres);
  run(sqlite ? kAccountsOnSqlite : kAccountsOnPostgres);
  run(kOpenAccounts + std::to_string(kHotRows) +
      ") INSERT INTO {kinbox}.accounts (id) SELECT n FROM numbers");
}

Store::~Store() {
  try {
    if (backend_ == Backend::kPostgres)
      run("DROP SCHEMA {kinbox} CASCADE");
    else
      remove_file(location_);
  } catch (const std::exception&) {
    // A schema or file with a random name stays behind.
  }
}

DatabaseFactory Store::factory() const {
  if (backend_ == Backend::kSqlite) return sqlite::factory({.path = location_});
  postgres::Options options;
  options.uri = location_;
  options.schema = schema_;
  return postgres::factory(options);
}

Store::Counts Store::counts() const {
  const auto database = factory()();
  const auto tx = database->begin();
  const auto row = tx->query(database->dialect().render(kCounts))[0];
  return {.orders = row.get<std::int64_t>(0),
          .changes = row.get<std::int64_t>(1),
          .parked = row.get<std::int64_t>(4),
          .inbox = row.get<std::int64_t>(2),
          .passed = row.get<std::int64_t>(3)};
}

void Store::forget_positions() const {
  run("DELETE FROM {kinbox}.consumer_progress");
  run("DELETE FROM {kinbox}.consumers");
}

void Store::settle() const {
  if (backend_ == Backend::kPostgres) run("CHECKPOINT");
}

void Store::run(const std::string& script) const {
  const auto database = factory()();
  const auto tx = database->begin();
  database->run_script(*tx, database->dialect().render(script));
  tx->commit();
}

}  // namespace kinbox::bench
