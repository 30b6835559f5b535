#include "cli/inbox/table_checks.hpp"

#include <functional>

#include "core/own_statements.hpp"
#include "core/replaced.hpp"

namespace kinbox::cli {
namespace {

// A broken index must not answer for its table: PostgreSQL takes a sample, here all of it, from the
// table itself.
constexpr std::string_view kTablePostgres = " TABLESAMPLE SYSTEM (100)";
constexpr std::string_view kTableSqlite = " NOT INDEXED";

constexpr std::string_view kTwice = R"(
SELECT count(*), min(event_id) FROM (
  SELECT event_id FROM {kinbox}.processed_events{itself}
   GROUP BY consumer, event_id HAVING count(*) > 1) AS twice)";

// Each row of the table is looked for by the index.
constexpr std::string_view kByIndex =
    "SELECT set_config('enable_hashjoin', 'off', true), "
    "set_config('enable_mergejoin', 'off', true), set_config('enable_seqscan', 'off', true)";
constexpr std::string_view kNotFound = R"(
SELECT count(*), min(e.event_id) FROM {kinbox}.processed_events AS e TABLESAMPLE SYSTEM (100)
 WHERE NOT EXISTS (SELECT 1 FROM {kinbox}.processed_events AS i
                    WHERE i.consumer = e.consumer AND i.event_id = e.event_id))";

constexpr std::string_view kUnusable = R"(
SELECT count(*), min(c.relname) FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE n.nspname = '{kinbox}' AND NOT (i.indisvalid AND i.indisready AND i.indislive))";

constexpr std::string_view kHasAmcheck = "SELECT 1 FROM pg_extension WHERE extname = 'amcheck'";
constexpr std::string_view kAmcheck = R"(
SELECT CAST(count(bt_index_check(c.oid, true)) AS text)
  FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_am AS m ON m.oid = c.relam
 WHERE n.nspname = '{kinbox}' AND m.amname = 'btree' AND i.indisready AND i.indisvalid)";

// A letter under another id, or of an id that belongs to another record, has no row of its own.
constexpr std::string_view kLettersWithoutRow = R"(
SELECT count(*), min(d.event_id) FROM {kinbox}.unresolved_letters AS d
  LEFT JOIN {kinbox}.processed_events AS e ON e.consumer = d.consumer AND e.event_id = d.event_id
 WHERE d.state IN ('open', 'requested') AND d.event_id IS NOT NULL AND d.reason <> 'id_conflict'
   AND e.event_id IS NULL)";

constexpr std::string_view kParkedWithoutRow = R"(
SELECT count(*), min(q.event_id) FROM {kinbox}.parked_events AS q
  LEFT JOIN {kinbox}.processed_events AS e ON e.consumer = q.consumer AND e.event_id = q.event_id
 WHERE e.verdict IS NULL OR e.verdict <> 'parked')";

constexpr std::string_view kParkedWithoutEvent = R"(
SELECT count(*), min(e.event_id) FROM {kinbox}.processed_events AS e
  LEFT JOIN {kinbox}.parked_events AS q ON q.consumer = e.consumer AND q.event_id = e.event_id
 WHERE e.verdict = 'parked' AND q.id IS NULL)";

constexpr std::string_view kIntegrity = "PRAGMA main.integrity_check(5)";
constexpr std::string_view kForeignKeys = "PRAGMA main.foreign_key_check";

/// A statement that counts what is wrong and names an example.
TableCheck none_of(OpenTransaction& tx, const std::string& name, std::string_view sql,
                   const std::string& what) {
  const auto row = tx.query(tx.dialect().render(sql))[0];
  const auto found = row.get<std::int64_t>(0);
  if (found == 0) return {name};
  return {name, Finding::kMismatch,
          std::to_string(found) + ' ' + what + ", such as " + row.get<std::string>(1)};
}

class Checks {
 public:
  explicit Checks(Database& database)
      : database_(database), sqlite_(database.dialect().backend() == Backend::kSqlite) {}

  std::vector<TableCheck> run() {
    const bool safe = schema();
    if (sqlite_)
      file();
    else
      indexes(safe);
    add([&](OpenTransaction& tx) { return unique(tx); });
    rows_of("open letters have inbox rows", kLettersWithoutRow,
            "events of open letters have none, and would run if they came again");
    rows_of("parked events have inbox rows", kParkedWithoutRow,
            "parked events have none that says so");
    rows_of("events parked by their verdicts are in a queue", kParkedWithoutEvent,
            "are in none, and wait for ever");
    return std::move(checks_);
  }

 private:
  void add(const std::function<TableCheck(OpenTransaction&)>& check) {
    own_transaction(database_, "verify",
                    [&](OpenTransaction& tx) { checks_.push_back(check(tx)); });
  }

  void rows_of(const char* name, std::string_view sql, const char* what) {
    add([&](OpenTransaction& tx) { return none_of(tx, name, sql, what); });
  }

  TableCheck unique(OpenTransaction& tx) const {
    const auto sql = replaced(kTwice, "{itself}", sqlite_ ? kTableSqlite : kTablePostgres);
    return none_of(tx, "no id twice", sql, "ids are in the inbox more than once");
  }

  void file() {
    add([](OpenTransaction& tx) { return integrity(tx); });
    add([](OpenTransaction& tx) {
      const auto rows = tx.query(kForeignKeys);
      if (rows.empty()) return TableCheck{"foreign keys"};
      return TableCheck{"foreign keys", Finding::kMismatch,
                        std::to_string(rows.size()) + " rows refer to nothing, such as one of " +
                            rows[0].get<std::string>(0)};
    });
  }

  static TableCheck integrity(OpenTransaction& tx) {
    std::string trouble;
    for (const auto row : tx.query(kIntegrity))
      if (const auto text = row.get<std::string>(0); text != "ok")
        trouble += (trouble.empty() ? "" : "; ") + text;
    return {"integrity of the file", trouble.empty() ? Finding::kOk : Finding::kMismatch, trouble};
  }

  /// What `run` looks at before it starts.
  bool schema() {
    try {
      database_.refuse_unsafe();
      checks_.push_back({"schema and settings"});
      return true;
    } catch (const RefusedError& e) {
      checks_.push_back({"schema and settings", Finding::kMismatch, e.what()});
      return false;
    }
  }

  void indexes(bool safe) {
    rows_of("indexes are valid", kUnusable, "indexes are not; REINDEX them");
    if (!safe) return;
    add([](OpenTransaction& tx) {
      tx.query(kByIndex);
      return none_of(tx, "the inbox's index finds every row", kNotFound,
                     "rows are not found by it; stop the consumers and REINDEX it");
    });
    amcheck();
  }

  void amcheck() {
    const auto tx = database_.begin();
    try {
      if (tx->query(kHasAmcheck).empty())
        checks_.push_back(
            {"amcheck", Finding::kUnknown, "not installed: CREATE EXTENSION amcheck"});
      else
        checks_.push_back({"amcheck", Finding::kOk,
                           tx->query(tx->dialect().render(kAmcheck))[0].get<std::string>(0) +
                               " indexes agree with their tables"});
    } catch (const SqlError& e) {
      const bool forbidden = e.code() == "42501";
      checks_.push_back({"amcheck", forbidden ? Finding::kUnknown : Finding::kMismatch, e.what()});
    }
  }

  Database& database_;
  const bool sqlite_;
  std::vector<TableCheck> checks_;
};

}  // namespace

std::vector<TableCheck> check_tables(Database& database) { return Checks(database).run(); }

}  // namespace kinbox::cli
