#include "cli/inbox/recount.hpp"

#include <algorithm>

#include "core/own_statements.hpp"
#include "core/stored_record.hpp"

namespace kinbox::cli {
namespace {

// One statement sees one moment. Each table is read once, and joined with the few partitions.
// Counters count what was decided, wherever: rows are counted where they are. A row of the inbox
// that ran in a generation and is not applied died in it: it counts as applied to its position.
constexpr std::string_view kRecount = R"(
WITH spans AS (
  SELECT consumer, topic, partition, pruned_below,
         coalesce(lowest_offset, first_offset) AS lowest,
         CASE WHEN highest_offset > next_offset THEN highest_offset ELSE next_offset END AS highest
    FROM {kinbox}.consumer_progress),
inbox AS (
  SELECT s.consumer, s.topic, s.partition,
         sum(CASE WHEN e.verdict = 'applied' THEN 1 ELSE 0 END) AS applied_rows,
         sum(CASE WHEN e.verdict <> 'applied' AND e.generation > 0 THEN 1 ELSE 0 END) AS died_rows,
         sum(CASE WHEN e.verdict = 'skipped' THEN 1 ELSE 0 END) AS skipped_rows,
         sum(CASE WHEN e.record_offset < s.lowest OR e.record_offset >= s.highest THEN 1 ELSE 0 END)
           AS outside_rows,
         sum(CASE WHEN e.record_offset < s.pruned_below AND e.record_offset >= s.lowest THEN 1
             ELSE 0 END) AS rows_below
    FROM {kinbox}.processed_events AS e JOIN spans AS s
      ON s.consumer = e.consumer AND s.topic = e.topic AND s.partition = e.partition
   GROUP BY s.consumer, s.topic, s.partition),
dead AS (
  SELECT consumer, topic, partition,
         sum(CASE WHEN NOT imported AND state NOT IN ('resolved', 'parked') THEN 1 ELSE 0 END)
           AS dead_rows,
         sum(CASE WHEN imported THEN 1 ELSE 0 END) AS imported,
         sum(CASE WHEN NOT imported AND (event_id IS NULL OR reason = 'id_conflict') THEN 1
             ELSE 0 END) AS without_row
    FROM {kinbox}.dead_letters
   GROUP BY consumer, topic, partition),
waiting AS (
  SELECT consumer, topic, partition, count(*) AS parked_rows
    FROM {kinbox}.parked_events WHERE NOT imported
   GROUP BY consumer, topic, partition),
replayed AS (
  SELECT r.consumer, q.topic, q.partition, sum(q.fresh) AS fresh
    FROM {kinbox}.replays AS r JOIN {kinbox}.replay_progress AS q ON q.replay_id = r.id
   WHERE r.state IN ('running', 'paused')
   GROUP BY r.consumer, q.topic, q.partition)
SELECT p.consumer, p.topic, p.partition, p.first_offset, p.next_offset, p.applied, p.duplicates,
       p.parked, p.dead, p.skipped, p.gaps, p.forgotten,
       CAST(coalesce(i.applied_rows, 0) AS bigint) AS applied_rows,
       CAST(coalesce(i.died_rows, 0) AS bigint) AS died_rows,
       CAST(coalesce(i.skipped_rows, 0) AS bigint) AS skipped_rows,
       CAST(coalesce(i.outside_rows, 0) AS bigint) AS outside_rows,
       CAST(coalesce(i.rows_below, 0) AS bigint) AS rows_below,
       CAST(coalesce(l.dead_rows, 0) AS bigint) AS dead_rows,
       CAST(coalesce(l.imported, 0) AS bigint) AS imported,
       CAST(coalesce(l.without_row, 0) AS bigint) AS without_row,
       coalesce(w.parked_rows, 0) AS parked_rows,
       CAST(p.brought + coalesce(f.fresh, 0) AS bigint) AS brought,
       p.pruned_below, s.lowest, p.highest_offset IS NOT NULL AS was_set,
       p.open_batch IS NOT NULL AS open_batch,
       EXISTS (SELECT 1 FROM {kinbox}.prunings AS g
                WHERE g.scope = p.consumer AND g.begun_at IS NOT NULL)
         OR EXISTS (SELECT 1 FROM {kinbox}.audit AS a
                     WHERE a.action = 'prune' AND a.consumer IN ('', p.consumer)) AS pruned_letters
  FROM {kinbox}.consumer_progress AS p
  JOIN spans AS s
    ON s.consumer = p.consumer AND s.topic = p.topic AND s.partition = p.partition
  LEFT JOIN inbox AS i
    ON i.consumer = p.consumer AND i.topic = p.topic AND i.partition = p.partition
  LEFT JOIN dead AS l
    ON l.consumer = p.consumer AND l.topic = p.topic AND l.partition = p.partition
  LEFT JOIN waiting AS w
    ON w.consumer = p.consumer AND w.topic = p.topic AND w.partition = p.partition
  LEFT JOIN replayed AS f
    ON f.consumer = p.consumer AND f.topic = p.topic AND f.partition = p.partition
 ORDER BY p.consumer, p.topic, p.partition)";

/// Offsets below which rows were pruned and that have none.
std::int64_t pruned_room(const Row& row) {
  const auto lowest = row.get<std::int64_t>("lowest");
  const auto below = row.get<std::int64_t>("pruned_below");
  if (below <= lowest) return 0;
  // Offsets may have been decided about more than once: they bound nothing.
  if (row.get<bool>("was_set")) return row.get<std::int64_t>("applied");
  return std::max<std::int64_t>(0, below - lowest - row.get<std::int64_t>("rows_below"));
}

Recount recount_of(const Row& row) {
  Recount partition;
  partition.consumer = row.get<std::string>("consumer");
  partition.partition = stored_partition(row);
  partition.first_offset = row.get<std::int64_t>("first_offset");
  partition.next_offset = row.get<std::int64_t>("next_offset");
  partition.counters = {.applied = row.get<std::int64_t>("applied"),
                        .duplicates = row.get<std::int64_t>("duplicates"),
                        .parked = row.get<std::int64_t>("parked"),
                        .dead = row.get<std::int64_t>("dead"),
                        .skipped = row.get<std::int64_t>("skipped"),
                        .gaps = row.get<std::int64_t>("gaps")};
  partition.applied_rows = row.get<std::int64_t>("applied_rows");
  partition.skipped_rows = row.get<std::int64_t>("skipped_rows");
  partition.dead_rows = row.get<std::int64_t>("dead_rows");
  partition.parked_rows = row.get<std::int64_t>("parked_rows");
  partition.died_rows = row.get<std::int64_t>("died_rows");
  partition.forgotten = row.get<std::int64_t>("forgotten");
  partition.outside_rows = row.get<std::int64_t>("outside_rows");
  partition.imported = row.get<std::int64_t>("imported");
  partition.brought = row.get<std::int64_t>("brought") + partition.imported;
  partition.pruned = pruned_room(row);
  partition.open_batch = row.get<bool>("open_batch");
  const bool read_again = row.get<bool>("was_set") && row.get<std::int64_t>("without_row") > 0;
  partition.letters_may_lack = read_again || row.get<bool>("pruned_letters");
  judge(partition);
  return partition;
}

class Judge {
 public:
  explicit Judge(Recount& partition) : of_(partition) {}

  void law() {
    const auto distance = of_.next_offset - of_.first_offset;
    if (of_.open_batch) wrong("a batch was committed while it was open");
    if (of_.counters.sum() != distance)
      wrong("the position law is broken: the counters add up to " +
            std::to_string(of_.counters.sum()) + ", the position went " + std::to_string(distance));
  }

  void applied() {
    const auto counted = of_.counters.applied;
    const auto rows = of_.applied_rows + of_.died_rows + of_.forgotten;
    const auto text = difference("applied", counted, rows);
    if (rows < counted)
      differs(counted - rows <= of_.pruned,
              text + ": events without a row run again if their records come again",
              std::to_string(of_.pruned) + " at most were pruned");
    if (rows > counted)
      differs(rows - counted <= of_.brought, text + ": rows were written by somebody else",
              "replays and imports brought " + std::to_string(of_.brought) + " at most");
  }

  void dead() {
    const auto counted = of_.counters.dead;
    const auto text = difference("dead", counted, of_.dead_rows);
    if (of_.dead_rows < counted)
      differs(of_.letters_may_lack, text + ": letters are gone",
              "letters were pruned, or records without an inbox row read again");
    if (of_.dead_rows > counted) wrong(text + ": letters were written by somebody else");
  }

  void parked() {
    if (of_.parked_rows != of_.counters.parked)
      wrong(difference("parked", of_.counters.parked, of_.parked_rows));
  }

  /// Poison that is skipped has no id, and no row; others' may be pruned.
  void skipped() {
    if (of_.skipped_rows > of_.counters.skipped)
      wrong(difference("skipped", of_.counters.skipped, of_.skipped_rows) +
            ": rows were written by somebody else");
  }

  void outside() {
    if (of_.outside_rows > of_.brought)
      wrong(std::to_string(of_.outside_rows) +
            " inbox rows are of records that the position never reached, and replays and imports "
            "brought " +
            std::to_string(of_.brought) + " at most: their records will be duplicates");
  }

 private:
  static std::string difference(const char* counter, std::int64_t counted, std::int64_t rows) {
    return std::string(counter) + " is " + std::to_string(counted) + ", and " +
           std::to_string(rows) + " rows are there";
  }

  /// `why`: what explains it, if something does.
  void differs(bool explained, const std::string& note, const std::string& why) {
    if (!explained) return wrong(note);
    of_.finding = std::max(of_.finding, Finding::kUnknown);
    of_.notes.push_back(note + " (" + why + ')');
  }

  void wrong(const std::string& note) {
    of_.finding = Finding::kMismatch;
    of_.notes.push_back(note);
  }

  Recount& of_;
};

}  // namespace

std::string_view to_text(Finding finding) {
  switch (finding) {
    case Finding::kOk:
      return "ok";
    case Finding::kUnknown:
      return "unknown";
    case Finding::kMismatch:
      break;
  }
  return "MISMATCH";
}

void judge(Recount& partition) {
  Judge judge(partition);
  judge.law();
  judge.applied();
  judge.dead();
  judge.parked();
  judge.skipped();
  judge.outside();
}

std::vector<Recount> recount(Database& database) {
  std::vector<Recount> partitions;
  own_transaction(database, "recount", [&](OpenTransaction& tx) {
    for (const auto row : tx.query(tx.dialect().render(kRecount)))
      partitions.push_back(recount_of(row));
  });
  return partitions;
}

}  // namespace kinbox::cli
