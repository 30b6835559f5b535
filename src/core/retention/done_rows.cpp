#include "core/retention/done_rows.hpp"

#include "core/own_statements.hpp"
#include "core/replaced.hpp"
#include "core/sql_list.hpp"
#include "core/sql_moment.hpp"

namespace kinbox {
namespace {

constexpr std::string_view kPage =
    "SELECT id, {since} < {before} AS is_old FROM {kinbox}.{table} "
    "WHERE {done} AND id > $3 ORDER BY id LIMIT $4";
constexpr std::string_view kDelete =
    "DELETE FROM {kinbox}.{table} WHERE {ids} AND {done} AND {since} < {before}";
constexpr std::string_view kCount =
    "SELECT count(*) AS found FROM {kinbox}.{table} WHERE {done} AND {since} < {before}";

std::string text_for(std::string_view sql, const DoneTable& table, const Dialect& dialect) {
  auto text = replaced(sql, "{table}", table.table);
  text = replaced(text, "{done}", table.done);
  text = replaced(text, "{since}", table.since);
  text = replaced(text, "{ids}", sql_in_list(dialect, "id", "$3"));
  return dialect.render(replaced(text, "{before}", "(" + sql_moment(dialect, "-$2") + ")"));
}

}  // namespace

// The last one stays for people to look at.
const DoneTable kDoneReplays{"replays", "replays",
                             "consumer = $1 AND state NOT IN ('running', 'paused') AND id < "
                             "(SELECT max(id) FROM {kinbox}.replays WHERE consumer = $1)",
                             "COALESCE(ended_at, updated_at)", true};
const DoneTable kDoneOutbox{"outbox", "outbox", "$1 = '' AND state IN ('sent', 'discarded')",
                            "COALESCE(sent_at, created_at)"};
const DoneTable kDoneMail{"mail", "email_outbox", "$1 = '' AND state IN ('sent', 'discarded')",
                          "COALESCE(sent_at, updated_at)"};
const DoneTable kDoneAudit{"audit", "audit", "$1 = ''", "at"};

DoneRows::DoneRows(Database& database, const DoneTable& table, std::string consumer,
                   std::chrono::milliseconds window, const PruneOptions& options)
    : database_(database),
      table_(table),
      consumer_(table.of_consumer ? std::move(consumer) : ""),
      window_(window),
      options_(options),
      page_(text_for(kPage, table, database.dialect())),
      delete_(text_for(kDelete, table, database.dialect())),
      count_(text_for(kCount, table, database.dialect())) {}

void DoneRows::run(Pace& pace, Pruner::Report& report) {
  PrunedRows found{.what = table_.what};
  const auto limit = static_cast<std::int64_t>(options_.batch);
  std::int64_t after = 0;
  for (bool more = true; more && !pace.stopped();) {
    pace.portion([&] {
      own_transaction(database_, "prune", [&](OpenTransaction& tx) {
        std::vector<std::int64_t> old;
        const auto page = tx.query(page_, consumer_, window_.count(), after, limit);
        for (const auto row : page) {
          after = row.get<std::int64_t>("id");
          if (row.get<bool>("is_old")) old.push_back(after);
        }
        more = !old.empty() && static_cast<std::int64_t>(page.size()) == limit;
        if (old.empty()) return;
        const auto list = sql_list(tx.dialect().backend(), old);
        const auto deleted = tx.execute(delete_, consumer_, window_.count(), list).affected_rows();
        found.rows += deleted;
        if (deleted > 0 && options_.on_rows) options_.on_rows(tx, deleted);
      });
    });
  }
  report.push_back(found);
}

void DoneRows::preview(Pruner::Report& report) {
  own_transaction(database_, "prune", [&](OpenTransaction& tx) {
    report.push_back(
        {.what = table_.what,
         .rows = tx.query(count_, consumer_, window_.count())[0].get<std::int64_t>("found")});
  });
}

}  // namespace kinbox
