#include "postgres/unsafe.hpp"

#include <array>

#include "kinbox/errors.hpp"
#include "postgres/error_classes.hpp"

namespace kinbox::postgres {
namespace {

constexpr int kOldestServer = 130000;

/// One condition. `finds` returns no row when it is met, else what is wrong, which goes into `text`
/// for {}.
struct Condition {
  std::string_view finds;
  std::string_view text;
};

constexpr std::array<Condition, 13> kConditions{{
    {"SELECT pg_backend_pid() WHERE pg_backend_pid() <> $PID",
     "a proxy stands before PostgreSQL and hands each transaction to another backend (this one is "
     "process {}); session settings, prepared statements and LISTEN do not survive that. Connect "
     "to PostgreSQL itself, or through a proxy in session mode that passes the backend's process "
     "id on"},
    {"SELECT 'standby' WHERE pg_is_in_recovery()",
     "this PostgreSQL is a {}: connect to the primary, or name all hosts in database.uri and add "
     "target_session_attrs=read-write"},
    {"SELECT current_setting('fsync') WHERE current_setting('fsync') <> 'on'",
     "PostgreSQL runs with fsync={}: a crash would lose or tear what was committed. Set fsync=on"},
    {"SELECT current_setting('server_encoding') WHERE current_setting('server_encoding') <> 'UTF8'",
     "the database's encoding is {}: ids are UTF-8. Create it with ENCODING 'UTF8' TEMPLATE "
     "template0"},
    {"SELECT string_agg(name, ', ') FROM unnest(ARRAY['consumers', 'consumer_progress', "
     "'no_open_batch', 'processed_events', 'dead_letters', 'parked_events', 'outbox', "
     "'outbox_lanes']) name WHERE NOT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid "
     "= c.relnamespace WHERE n.nspname = '{kinbox}' AND c.relname = name AND c.relkind IN ('r', "
     "'p')) HAVING count(*) > 0",
     "schema {kinbox} lacks {}: run `kinbox migrate up`"},
    {"SELECT current_user WHERE NOT has_schema_privilege('{kinbox}', 'USAGE')",
     "role {} may not use schema {kinbox}: GRANT USAGE ON SCHEMA {kinbox} TO the role"},
    {"SELECT format('%s on %s', privilege, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid "
     "= c.relnamespace CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) privilege "
     "WHERE n.nspname = '{kinbox}' AND c.relname IN ('consumers', 'consumer_progress', "
     "'processed_events', 'dead_letters', 'parked_events', 'outbox', 'outbox_lanes') AND c.relkind "
     "IN ('r', 'p') AND NOT has_table_privilege(c.oid, privilege) ORDER BY 1 LIMIT 1",
     "this role lacks {}: GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {kinbox} TO "
     "the role"},
    {"SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE "
     "n.nspname = '{kinbox}' AND c.relname IN ('consumers', 'consumer_progress', 'no_open_batch', "
     "'processed_events', 'dead_letters', 'parked_events', 'outbox', 'outbox_lanes') AND "
     "c.relpersistence <> 'p' ORDER BY 1 LIMIT 1",
     "table {kinbox}.{} is UNLOGGED: a crash empties it. ALTER TABLE {kinbox}.{} SET LOGGED"},
    {"SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE "
     "n.nspname = '{kinbox}' AND c.relname IN ('processed_events', 'consumer_progress') AND "
     "(c.relkind <> 'r' OR EXISTS (SELECT FROM pg_inherits i WHERE c.oid IN (i.inhrelid, "
     "i.inhparent))) ORDER BY 1 LIMIT 1",
     "table {kinbox}.{} is partitioned or inherits: uniqueness would not span its parts. Make it "
     "one table again"},
    {"SELECT coalesce(l.collname, 'none') FROM pg_attribute a JOIN pg_class c ON c.oid = "
     "a.attrelid "
     "JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_collation l ON l.oid = "
     "a.attcollation WHERE n.nspname = '{kinbox}' AND c.relname = 'processed_events' AND a.attname "
     "= 'event_id' AND l.collname IS DISTINCT FROM 'C'",
     "{kinbox}.processed_events.event_id has collation {}: ids must compare byte for byte. ALTER "
     "TABLE {kinbox}.processed_events ALTER COLUMN event_id TYPE text COLLATE \"C\""},
    {"SELECT 'consumer, event_id' WHERE NOT EXISTS (SELECT FROM pg_index i JOIN pg_class c ON "
     "c.oid "
     "= i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = '{kinbox}' AND "
     "c.relname = 'processed_events' AND i.indisunique AND i.indimmediate AND i.indisvalid AND "
     "i.indpred IS NULL AND i.indexprs IS NULL AND i.indnkeyatts = 2 AND (SELECT "
     "array_agg(a.attname::text ORDER BY a.attname) FROM pg_attribute a WHERE a.attrelid = c.oid "
     "AND a.attnum = ANY ((i.indkey::int2[])[0:1])) = ARRAY['consumer', 'event_id'])",
     "{kinbox}.processed_events has no unique key on ({}): duplicates would take effect. ALTER "
     "TABLE {kinbox}.processed_events ADD PRIMARY KEY ({})"},
    {"SELECT 'only_the_dispatcher_commits' WHERE current_setting('session_replication_role') = "
     "'replica' OR EXISTS (SELECT FROM {kinbox}.no_open_batch) OR NOT EXISTS (SELECT FROM "
     "pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = "
     "c.relnamespace JOIN pg_class t ON t.oid = k.confrelid JOIN pg_attribute a ON a.attrelid = "
     "c.oid AND k.conkey = ARRAY[a.attnum] WHERE n.nspname = '{kinbox}' AND c.relname = "
     "'consumer_progress' AND t.relname = 'no_open_batch' AND t.relnamespace = n.oid AND a.attname "
     "= 'open_batch' AND k.contype = 'f' AND k.condeferrable AND k.condeferred AND NOT EXISTS "
     "(SELECT FROM pg_trigger g WHERE g.tgconstraint = k.oid AND g.tgenabled NOT IN ('O', 'A')))",
     "the foreign key {} of {kinbox}.consumer_progress is missing, changed or switched off: a "
     "handler could commit half a batch. Restore FOREIGN KEY (open_batch) REFERENCES "
     "{kinbox}.no_open_batch (id) DEFERRABLE INITIALLY DEFERRED, keep no_open_batch empty, and "
     "leave session_replication_role alone"},
    {"SELECT format('%s on %s', g.tgname, c.relname) FROM pg_trigger g JOIN pg_class c ON c.oid = "
     "g.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = '{kinbox}' AND "
     "c.relname IN ('processed_events', 'consumer_progress') AND NOT g.tgisinternal AND "
     "g.tgenabled <> 'D' ORDER BY 1 LIMIT 1",
     "trigger {} could swallow an insert, and an event would look like a duplicate: drop it"},
}};

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

/// The first field of the first row, or empty.
std::string first_field(Connection& connection, const std::string& sql) {
  const auto result = connection.run(sql);
  if (!succeeded(*result))
    throw_failure(*result, OpenTransaction::Origin::kFramework, connection.lost());
  return PQntuples(result.get()) == 0 ? std::string{} : PQgetvalue(result.get(), 0, 0);
}

void require(const Condition& condition, Connection& connection, const Dialect& dialect) {
  auto sql = dialect.render(condition.finds);
  replace_all(sql, "$PID", std::to_string(PQbackendPID(connection.raw())));
  const auto found = first_field(connection, sql);
  if (found.empty()) return;
  auto text = dialect.render(condition.text);
  replace_all(text, "{}", found);
  throw RefusedError(text);
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
