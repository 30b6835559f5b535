#include "cli/run/prepare_database.hpp"

#include <random>
#include <string>

#include "cli/consumer_spec.hpp"
#include "cli/database.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/migrations.hpp"
#include "kinbox/retry_policy.hpp"

namespace kinbox::cli {
namespace {

constexpr RetryPolicy kReconnect{.max_attempts = 0,
                                 .first_delay = std::chrono::milliseconds{500},
                                 .max_delay = std::chrono::milliseconds{10'000}};

bool migrates_itself(const Config& config) {
  const auto* postgres = std::get_if<PostgresConfig>(&config.database);
  return postgres == nullptr || postgres->migrate == Migrate::kAuto;
}

void prepare(const Config& config, std::span<const HandlerSpec> handlers,
             const DatabaseFactory& factory, observe::Log& log) {
  const auto database = factory();
  SchemaMigrator migrator(*database, schema_components(config, handlers));
  if (migrates_itself(config)) {
    for (const auto& file : migrator.up()) log.info("migrated", "applied migration " + file);
  } else {
    migrator.require_current();
  }
  database->refuse_unsafe();
}

}  // namespace

bool prepare_database(const Config& config, std::span<const HandlerSpec> handlers,
                      const DatabaseFactory& factory, Patience patience, StopSignals& signals,
                      observe::Log& log) {
  // A deployment starts many processes at once.
  std::mt19937_64 random{std::random_device{}()};
  std::uniform_real_distribution<double> uniform{0.0, 1.0};
  for (int attempt = 1;; ++attempt) {
    try {
      prepare(config, handlers, factory, log);
      return true;
    } catch (const InfrastructureError& e) {
      if (patience == Patience::kNone) throw;
      const auto delay = backoff(kReconnect, attempt, uniform(random));
      log.warning("unavailable", "waiting for " + describe_database(config) + ": " + e.what() +
                                     "; trying again in " + std::to_string(delay.count()) + "ms");
      if (signals.wait(delay)) return false;
    }
  }
}

}  // namespace kinbox::cli
