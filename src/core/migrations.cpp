#include "kinbox/migrations.hpp"

#include <algorithm>
#include <set>
#include <tuple>

#include "core/checksum.hpp"
#include "core/schema_history.hpp"

namespace kinbox {

namespace embedded {
std::vector<Migration> core_migrations();
}

namespace {

using Entry = SchemaHistory::Entry;
using Entries = std::vector<Entry>;

/// Throws ConfigurationError unless the migrations are numbered 1, 2, 3 ...
void refuse_gaps(const SchemaComponent& component) {
  int expected = 1;
  for (const auto& migration : component.migrations)
    if (migration.version != expected++)
      throw ConfigurationError("component \"" + component.name + "\": " + migration.file +
                               " has number " + std::to_string(migration.version) + " where " +
                               std::to_string(expected - 1) +
                               " is next; number from 1 without gaps");
}

/// The component as this database sees it, in order.
SchemaComponent for_backend(SchemaComponent component, Backend backend) {
  auto& migrations = component.migrations;
  std::erase_if(migrations, [&](const Migration& m) { return m.backend != backend; });
  std::sort(migrations.begin(), migrations.end(),
            [](const Migration& a, const Migration& b) { return a.version < b.version; });
  refuse_gaps(component);
  return component;
}

void refuse_repeated_names(const std::vector<SchemaComponent>& components) {
  std::set<std::string> names;
  for (const auto& component : components)
    if (!names.insert(component.name).second)
      throw ConfigurationError("two components are called \"" + component.name +
                               "\"; a schema's history is kept by name");
}

int newest(const SchemaComponent& component) {
  return component.migrations.empty() ? 0 : component.migrations.back().version;
}

const Entry* find(const Entries& history, const std::string& component, int version) {
  const auto found = std::find_if(history.begin(), history.end(), [&](const Entry& entry) {
    return entry.component == component && entry.version == version;
  });
  return found == history.end() ? nullptr : &*found;
}

std::string words(const std::string& component, const std::string& file) {
  return "migration " + file + " of component \"" + component + "\" ";
}

void refuse_changed_text(const SchemaComponent& component, const Entries& history) {
  for (const auto& migration : component.migrations) {
    const auto* applied = find(history, component.name, migration.version);
    if (applied == nullptr || applied->checksum == checksum(migration.sql)) continue;
    throw RefusedError(words(component.name, migration.file) +
                       "has changed since it was applied (as " + applied->file + ", " +
                       applied->applied_at +
                       "); restore its text and put the change into a new migration");
  }
}

void refuse_newer_schema(const SchemaComponent& component, const Entries& history) {
  for (const auto& entry : history)
    if (entry.component == component.name && entry.min_reader > newest(component))
      throw RefusedError(words(component.name, entry.file) + "needs a binary that knows at least " +
                         "version " + std::to_string(entry.min_reader) + "; this one knows " +
                         std::to_string(newest(component)) + ". Run a newer binary");
}

/// Forward only: what comes after an applied migration cannot be made to have come before it.
void refuse_holes(const SchemaComponent& component, const Entries& history) {
  const Migration* missing = nullptr;
  for (const auto& migration : component.migrations) {
    const bool applied = find(history, component.name, migration.version) != nullptr;
    if (!applied && missing == nullptr) missing = &migration;
    if (applied && missing != nullptr)
      throw RefusedError(words(component.name, missing->file) + "is missing below " +
                         migration.file + ", which was applied; restore schema_history");
  }
}

void refuse_unknown(const std::vector<SchemaComponent>& components, const Entries& history) {
  for (const auto& component : components) {
    refuse_newer_schema(component, history);
    refuse_changed_text(component, history);
    refuse_holes(component, history);
  }
}

struct Pending {
  const std::string* component;
  const Migration* migration;
};

/// In order: components as given, versions ascending.
std::vector<Pending> pending_in(const std::vector<SchemaComponent>& components,
                                const Entries& history) {
  std::vector<Pending> pending;
  for (const auto& component : components)
    for (const auto& migration : component.migrations)
      if (find(history, component.name, migration.version) == nullptr)
        pending.push_back({&component.name, &migration});
  return pending;
}

Entries read_history(Database& database) {
  const auto tx = database.begin();
  return SchemaHistory(database.dialect()).read(*tx);
}

void run(Database& database, OpenTransaction& tx, const Migration& migration) {
  // A migration may take as long as it must; a handler's statement may not.
  if (migration.backend == Backend::kPostgres) tx.execute("SET LOCAL statement_timeout = 0");
  database.run_script(tx, database.dialect().render(migration.sql));
}

/// Applies the first pending migration; its file, or nothing when none is left. The history is read
/// again under the lock: another starter may have been here.
std::string apply_next(Database& database, const std::vector<SchemaComponent>& components) {
  const SchemaHistory history(database.dialect());
  const auto tx = database.begin();
  history.lock(*tx);
  const auto applied = history.read(*tx);
  refuse_unknown(components, applied);
  const auto pending = pending_in(components, applied);
  if (pending.empty()) return {};
  const auto [component, migration] = pending.front();
  history.create(*tx);
  const auto start = std::chrono::steady_clock::now();
  run(database, *tx, *migration);
  history.add(*tx, *component, *migration,
              std::chrono::duration_cast<std::chrono::milliseconds>(
                  std::chrono::steady_clock::now() - start));
  tx->commit();
  return migration->file;
}

}  // namespace

SchemaComponent kinbox_component() { return {"kinbox", embedded::core_migrations()}; }

SchemaMigrator::SchemaMigrator(Database& database, std::vector<SchemaComponent> components)
    : database_(database), components_(std::move(components)) {
  refuse_repeated_names(components_);
  for (auto& component : components_)
    component = for_backend(std::move(component), database_.dialect().backend());
}

std::vector<SchemaMigrator::Status> SchemaMigrator::status() {
  const auto history = read_history(database_);
  std::vector<Status> all;
  for (const auto& [component, migration] : pending_in(components_, history))
    all.push_back({*component, migration->version, migration->file, "pending", {}});
  for (const auto& entry : history) {
    const auto ours = std::find_if(components_.begin(), components_.end(),
                                   [&](const auto& c) { return c.name == entry.component; });
    const bool known = ours != components_.end() && entry.version <= newest(*ours);
    all.push_back({entry.component, entry.version, entry.file, known ? "applied" : "unknown",
                   entry.applied_at});
  }
  std::sort(all.begin(), all.end(), [](const Status& a, const Status& b) {
    return std::tie(a.component, a.version) < std::tie(b.component, b.version);
  });
  return all;
}

std::vector<std::string> SchemaMigrator::up() {
  std::vector<std::string> applied;
  for (auto file = apply_next(database_, components_); !file.empty();
       file = apply_next(database_, components_))
    applied.push_back(file);
  return applied;
}

void SchemaMigrator::validate() { refuse_unknown(components_, read_history(database_)); }

void SchemaMigrator::require_current() {
  const auto history = read_history(database_);
  refuse_unknown(components_, history);
  const auto pending = pending_in(components_, history);
  if (pending.empty()) return;
  throw RefusedError(words(*pending.front().component, pending.front().migration->file) +
                     "has yet to be applied; run `kinbox migrate up`");
}

}  // namespace kinbox
