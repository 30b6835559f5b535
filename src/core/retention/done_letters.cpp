#include "core/retention/done_letters.hpp"

#include <utility>

#include "core/own_statements.hpp"
#include "core/replaced.hpp"
#include "core/sql_list.hpp"
#include "core/sql_moment.hpp"

namespace kinbox {
namespace {

constexpr std::string_view kMayGo =
    "d.dead_at < {before} AND COALESCE((SELECT max(h.at) FROM {kinbox}.dead_letter_history AS h "
    "WHERE h.dead_letter_id = d.id), d.dead_at) < {before} "
    "AND NOT EXISTS (SELECT 1 FROM {kinbox}.outbox AS o WHERE o.dead_letter_id = d.id "
    "AND o.state NOT IN ('sent', 'discarded')) "
    "AND NOT EXISTS (SELECT 1 FROM {kinbox}.parked_events AS e WHERE e.dead_letter_id = d.id) "
    "AND NOT EXISTS (SELECT 1 FROM {kinbox}.consumer_progress AS p WHERE p.consumer = d.consumer "
    "AND p.topic = d.topic AND p.partition = d.partition AND p.next_offset <= d.record_offset)";

// Where letters in a state are found, and what changes when one leaves it: of a resolved one that
// is opened again its own row, above all `dead_at`; of a discarded one its state.
struct OfState {
  std::string_view from;
  std::string_view locked;
};
constexpr OfState kResolved{
    "{kinbox}.letters AS d WHERE NOT EXISTS (SELECT 1 FROM {kinbox}.letter_states AS s "
    "WHERE s.id = d.id)",
    "d"};
constexpr OfState kDiscarded{
    "{kinbox}.letter_states AS s JOIN {kinbox}.letters AS d ON d.id = s.id AND "
    "d.consumer = s.consumer WHERE s.state = 'discarded'",
    "d, s"};

constexpr std::string_view kPage =
    "SELECT d.id, {may_go} AS may_go FROM {letters} "
    "AND d.consumer = $1 AND d.id > $3 ORDER BY d.id LIMIT $4";
constexpr std::string_view kCount =
    "SELECT count(*) AS found FROM {letters} AND d.consumer = $1 AND {may_go}";
// Letters before what refers to them, as everybody locks them; who has one now keeps it.
constexpr std::string_view kLock =
    "SELECT d.id FROM {letters} AND {ids} AND d.consumer = $1 AND {may_go}";
constexpr std::string_view kLockPostgres = " ORDER BY d.id FOR UPDATE OF {locked} SKIP LOCKED";
// Their inbox rows stay, and no counter knows them.
constexpr std::string_view kImported =
    "SELECT d.topic, d.partition, count(*) AS found FROM {kinbox}.letters AS d "
    "WHERE {ids} AND d.imported AND d.consumer = $1 GROUP BY d.topic, d.partition "
    "ORDER BY d.topic, d.partition";
constexpr std::string_view kAddUp =
    "UPDATE {kinbox}.consumer_progress SET brought = brought + $4 "
    "WHERE consumer = $1 AND topic = $2 AND partition = $3";
constexpr std::string_view kDeleteOutbox = "DELETE FROM {kinbox}.outbox WHERE {ids}";
constexpr std::string_view kDelete = "DELETE FROM {kinbox}.letters WHERE {ids}";

std::string text_for(std::string_view sql, const OfState& state, const Dialect& dialect) {
  const auto text = replaced(replaced(sql, "{letters}", state.from), "{may_go}", kMayGo);
  return dialect.render(replaced(text, "{before}", "(" + sql_moment(dialect, "-$2") + ")"));
}

std::string with_ids(std::string_view sql, std::string_view ids) {
  return replaced(sql, "{ids}", ids);
}

}  // namespace

DoneLetters::DoneLetters(Database& database, std::string consumer, std::chrono::milliseconds window,
                         const PruneOptions& options)
    : database_(database), consumer_(std::move(consumer)), window_(window), options_(options) {
  const auto& dialect = database.dialect();
  for (const auto& state : {kResolved, kDiscarded}) {
    auto lock = with_ids(kLock, sql_in_list(dialect, "d.id", "$3"));
    if (dialect.backend() == Backend::kPostgres)
      lock += replaced(kLockPostgres, "{locked}", state.locked);
    states_.push_back({.page = text_for(kPage, state, dialect),
                       .count = text_for(kCount, state, dialect),
                       .lock = text_for(lock, state, dialect)});
  }
  imported_ = dialect.render(with_ids(kImported, sql_in_list(dialect, "d.id", "$2")));
  add_up_ = dialect.render(kAddUp);
  delete_outbox_ =
      dialect.render(with_ids(kDeleteOutbox, sql_in_list(dialect, "dead_letter_id", "$1")));
  delete_ = dialect.render(with_ids(kDelete, sql_in_list(dialect, "id", "$1")));
}

/// Letters are few, and a person may be done with them in any order: all that are done with are
/// looked at.
void DoneLetters::run(Pace& pace, Pruner::Report& report) {
  PrunedRows found{.what = "dead_letters"};
  const auto limit = static_cast<std::int64_t>(options_.batch);
  for (const auto& state : states_) {
    std::int64_t after = 0;
    for (bool more = true; more && !pace.stopped();) {
      pace.portion([&] {
        own_transaction(database_, "prune", [&](OpenTransaction& tx) {
          std::vector<std::int64_t> ids;
          const auto page = tx.query(state.page, consumer_, window_.count(), after, limit);
          for (const auto row : page) {
            after = row.get<std::int64_t>("id");
            if (row.get<bool>("may_go")) ids.push_back(after);
          }
          more = static_cast<std::int64_t>(page.size()) == limit;
          if (ids.empty()) return;
          const auto deleted = remove(tx, state, ids);
          found.rows += deleted;
          if (deleted > 0 && options_.on_rows) options_.on_rows(tx, deleted);
        });
      });
    }
  }
  report.push_back(found);
}

std::int64_t DoneLetters::remove(OpenTransaction& tx, const State& state,
                                 const std::vector<std::int64_t>& ids) const {
  const auto backend = tx.dialect().backend();
  // Positions before letters: the order of locks. One that is passed over below counts once more
  // next time, which is no harm.
  for (const auto row : tx.query(imported_, consumer_, sql_list(backend, ids)))
    tx.execute(add_up_, consumer_, row.get<std::string>("topic"),
               row.get<std::int64_t>("partition"), row.get<std::int64_t>("found"));
  std::vector<std::int64_t> ours;
  for (const auto row : tx.query(state.lock, consumer_, window_.count(), sql_list(backend, ids)))
    ours.push_back(row.get<std::int64_t>("id"));
  if (ours.empty()) return 0;
  const auto list = sql_list(backend, ours);
  tx.execute(delete_outbox_, list);
  return tx.execute(delete_, list).affected_rows();
}

void DoneLetters::preview(Pruner::Report& report) {
  own_transaction(database_, "prune", [&](OpenTransaction& tx) {
    PrunedRows found{.what = "dead_letters"};
    for (const auto& state : states_)
      found.rows += tx.query(state.count, consumer_, window_.count())[0].get<std::int64_t>("found");
    report.push_back(found);
  });
}

}  // namespace kinbox
