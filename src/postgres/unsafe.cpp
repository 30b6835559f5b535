#include "postgres/unsafe.hpp"

#include <array>

#include "core/replaced.hpp"
#include "kinbox/errors.hpp"
#include "postgres/error_classes.hpp"

namespace kinbox::postgres {
namespace {

constexpr int kOldestServer = 130000;

// What a running consumer writes to.
constexpr std::string_view kTables =
    "ARRAY['consumers', 'consumer_progress', 'processed_events', 'letters', 'letter_states', "
    "'parked_events', 'outbox', 'outbox_lanes', 'outbox_events', 'dead_letter_history', 'audit', "
    "'workers', 'replays', 'replay_progress', 'replay_crashes', 'prunings', 'retries']";

// What it reads beside them.
constexpr std::string_view kViews = "ARRAY['dead_letters', 'unresolved_letters']";

/// One condition of the promise. `finds` returns no row where it is met, else what is wrong, which
/// stands for {} in `text`. Looked at in this order: later ones rely on earlier ones.
struct Condition {
  std::string_view finds;
  std::string_view text;
};

constexpr Condition kStandby{
    "SELECT 'standby' WHERE pg_is_in_recovery()",
    "this PostgreSQL is a {}: connect to the primary, or name all hosts in database.uri and add "
    "target_session_attrs=read-write"};

constexpr Condition kFsync{
    "SELECT current_setting('fsync') WHERE current_setting('fsync') <> 'on'",
    "PostgreSQL runs with fsync={}: a crash would lose or tear what was committed. Set fsync=on"};

constexpr Condition kEncoding{
    "SELECT current_setting('server_encoding') WHERE current_setting('server_encoding') <> 'UTF8'",
    "the database's encoding is {}, and ids are UTF-8. Create a database with ENCODING 'UTF8' "
    "TEMPLATE template0"};

constexpr Condition kTablesExist{
    R"(SELECT string_agg(wanted, ', ')
         FROM unnest({tables} || {views} || ARRAY['no_open_batch']) wanted
        WHERE NOT EXISTS (
          SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE n.nspname = '{kinbox}' AND c.relname = wanted)
       HAVING count(*) > 0)",
    "schema {kinbox} lacks {}: run `kinbox migrate up`"};

constexpr Condition kSchemaUsage{
    "SELECT current_user WHERE NOT has_schema_privilege('{kinbox}', 'USAGE')",
    "role \"{}\" may not use schema {kinbox}: GRANT USAGE ON SCHEMA {kinbox} TO \"{}\""};

constexpr Condition kPrivileges{
    R"(SELECT format('%s on {kinbox}.%s (role "%s")', privilege, name, current_user)
         FROM (SELECT name, privilege FROM unnest({tables}) name
                CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) privilege
               UNION ALL
               SELECT view, 'SELECT' FROM unnest({views}) view
              ) AS needed
        WHERE NOT has_table_privilege('{kinbox}.' || name, privilege) LIMIT 1)",
    "a privilege is missing: {}. GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "
    "{kinbox} TO the role that runs kinbox"};

constexpr Condition kUnlogged{
    R"(SELECT relname FROM pg_class
        WHERE relnamespace = '{kinbox}'::regnamespace AND relkind IN ('r', 'p')
          AND relpersistence <> 'p' ORDER BY relname LIMIT 1)",
    "table {kinbox}.{} is UNLOGGED: a crash empties it. ALTER TABLE {kinbox}.{} SET LOGGED"};

constexpr Condition kOneTable{
    R"(SELECT name FROM unnest(ARRAY['processed_events', 'consumer_progress']) name
         JOIN pg_class c ON c.oid = ('{kinbox}.' || name)::regclass
        WHERE c.relkind <> 'r' OR EXISTS (
                SELECT FROM pg_inherits i WHERE c.oid IN (i.inhrelid, i.inhparent)) LIMIT 1)",
    "{kinbox}.{} is not one plain table (partitioned, inherited, a view): uniqueness would not "
    "span "
    "its parts. Make it one table"};

constexpr Condition kCollation{
    R"(SELECT coalesce((SELECT collname FROM pg_collation l WHERE l.oid = a.attcollation), 'none')
         FROM pg_attribute a
        WHERE a.attrelid = '{kinbox}.processed_events'::regclass AND a.attname = 'event_id'
          AND a.attcollation <> '"C"'::regcollation)",
    "{kinbox}.processed_events.event_id has collation {}: ids must compare byte for byte. ALTER "
    "TABLE {kinbox}.processed_events ALTER COLUMN event_id TYPE text COLLATE \"C\""};

constexpr Condition kUniqueKey{
    R"(SELECT 'consumer, event_id' WHERE NOT EXISTS (
         SELECT FROM pg_index i
          WHERE i.indrelid = '{kinbox}.processed_events'::regclass
            AND i.indisunique AND i.indimmediate AND i.indisvalid
            AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indnkeyatts = 2
            AND (SELECT count(*) FROM pg_attribute a
                  WHERE a.attrelid = i.indrelid AND a.attnotnull
                    AND a.attname IN ('consumer', 'event_id')
                    AND a.attnum IN (i.indkey[0], i.indkey[1])) = 2))",
    "{kinbox}.processed_events has no unique key on ({}): duplicates would take effect. Delete "
    "repeated rows, then ALTER TABLE {kinbox}.processed_events ADD PRIMARY KEY ({})"};

constexpr Condition kOpenBatchKey{
    R"(SELECT 'FOREIGN KEY (open_batch) REFERENCES {kinbox}.no_open_batch (id) DEFERRABLE '
              'INITIALLY DEFERRED'
        WHERE NOT EXISTS (
         SELECT FROM pg_constraint k
           JOIN pg_attribute a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
          WHERE k.conrelid = '{kinbox}.consumer_progress'::regclass AND a.attname = 'open_batch'
            AND k.confrelid = '{kinbox}.no_open_batch'::regclass
            AND k.contype = 'f' AND k.condeferrable AND k.condeferred
            AND NOT EXISTS (SELECT FROM pg_trigger g
                             WHERE g.tgconstraint = k.oid AND g.tgenabled NOT IN ('O', 'A'))))",
    "{kinbox}.consumer_progress has lost its constraint, or the constraint's triggers are "
    "disabled, "
    "so a handler could commit half a batch. Restore {}"};

constexpr Condition kReplicaRole{
    "SELECT current_setting('session_replication_role') WHERE "
    "current_setting('session_replication_role') = 'replica'",
    "this role's session_replication_role is {}, which switches foreign keys off: a handler could "
    "commit half a batch. ALTER ROLE ... RESET session_replication_role"};

constexpr Condition kTriggers{
    R"(SELECT format('%s on {kinbox}.%s', g.tgname, name)
         FROM unnest(ARRAY['processed_events', 'consumer_progress']) name
         JOIN pg_trigger g ON g.tgrelid = ('{kinbox}.' || name)::regclass
        WHERE NOT g.tgisinternal AND g.tgenabled <> 'D' LIMIT 1)",
    "trigger {} could swallow a row, and an event without effect would look like a duplicate. Drop "
    "it"};

constexpr std::array kConditions{kStandby,      kFsync,       kEncoding, kTablesExist, kSchemaUsage,
                                 kPrivileges,   kUnlogged,    kOneTable, kCollation,   kUniqueKey,
                                 kOpenBatchKey, kReplicaRole, kTriggers};

/// The first field of the first row, or empty.
std::string first_field(Connection& connection, const std::string& sql) {
  const auto result = connection.run(sql);
  if (!succeeded(*result))
    throw_failure(*result, OpenTransaction::Origin::kFramework, connection.lost());
  return PQntuples(result.get()) == 0 ? std::string{} : PQgetvalue(result.get(), 0, 0);
}

void require(const Condition& condition, Connection& connection, const Dialect& dialect) {
  const auto finds = replaced(dialect.render(condition.finds), "{tables}", kTables);
  const auto found = first_field(connection, replaced(finds, "{views}", kViews));
  if (found.empty()) return;
  throw RefusedError(replaced(dialect.render(condition.text), "{}", found));
}

}  // namespace

void refuse_unsafe(Connection& connection, const Dialect& dialect) {
  const int version = PQserverVersion(connection.raw());
  if (version < kOldestServer)
    throw RefusedError("PostgreSQL " + std::to_string(version / 10000) +
                       " is too old: kinbox needs 13 or newer");
  for (const auto& condition : kConditions) require(condition, connection, dialect);
}

}  // namespace kinbox::postgres
