#include "store.hpp"

#include <filesystem>
#include <stdexcept>

#include "core/random_name.hpp"
#include "kinbox/migrations.hpp"
#include "kinbox/postgres/database.hpp"
#include "kinbox/sqlite/database.hpp"

namespace kinbox::bench {
namespace {

constexpr const char* kOrdersOnPostgres =
    "CREATE TABLE {kinbox}.orders (event_id text NOT NULL, order_id text PRIMARY KEY, "
    "buyer_id text NOT NULL, amount numeric NOT NULL)";
constexpr const char* kOrdersOnSqlite =
    "CREATE TABLE {kinbox}.orders (event_id TEXT NOT NULL, order_id TEXT NOT NULL PRIMARY KEY, "
    "buyer_id TEXT NOT NULL, amount TEXT NOT NULL) STRICT";

constexpr const char* kCounts =
    "SELECT (SELECT count(*) FROM {kinbox}.orders), (SELECT count(*) FROM "
    "{kinbox}.processed_events), (SELECT coalesce(sum(next_offset - first_offset), 0) "
    "FROM {kinbox}.consumer_progress)";

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
  run(backend_ == Backend::kSqlite ? kOrdersOnSqlite : kOrdersOnPostgres);
  // The last run's dirty pages are not this one's business.
  if (backend_ == Backend::kPostgres) run("CHECKPOINT");
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
          .inbox = row.get<std::int64_t>(1),
          .passed = row.get<std::int64_t>(2)};
}

void Store::run(const std::string& script) const {
  const auto database = factory()();
  const auto tx = database->begin();
  database->run_script(*tx, database->dialect().render(script));
  tx->commit();
}

}  // namespace kinbox::bench
