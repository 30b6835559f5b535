#include "cli/inbox/recount.hpp"

#include <algorithm>

#include "core/own_statements.hpp"

namespace kinbox::cli {
namespace {

// One statement sees one moment. Each table is read once, and joined with the few partitions.
constexpr std::string_view kRecount = R"(
WITH inbox AS (
  SELECT p.consumer, p.topic, p.partition,
         sum(CASE WHEN e.verdict = 'applied' AND e.record_offset < p.next_offset THEN 1 ELSE 0 END)
           AS applied_rows,
         sum(CASE WHEN e.verdict = 'skipped' AND e.record_offset < p.next_offset THEN 1 ELSE 0 END)
           AS skipped_rows,
         sum(CASE WHEN e.record_offset >= p.next_offset THEN 1 ELSE 0 END) AS rows_ahead
    FROM {kinbox}.processed_events AS e JOIN {kinbox}.consumer_progress AS p
      ON p.consumer = e.consumer AND p.topic = e.topic AND p.partition = e.partition
   WHERE e.record_offset >= p.first_offset
   GROUP BY p.consumer, p.topic, p.partition),
letters AS (
  SELECT p.consumer, p.topic, p.partition,
         sum(CASE WHEN NOT d.imported AND d.state NOT IN ('resolved', 'parked') THEN 1 ELSE 0 END)
           AS dead_rows,
         sum(CASE WHEN d.imported THEN 1 ELSE 0 END) AS imported
    FROM {kinbox}.dead_letters AS d JOIN {kinbox}.consumer_progress AS p
      ON p.consumer = d.consumer AND p.topic = d.topic AND p.partition = d.partition
   WHERE d.topic_id IN ('', p.topic_id)
     AND (d.imported OR (d.record_offset >= p.first_offset AND d.record_offset < p.next_offset))
   GROUP BY p.consumer, p.topic, p.partition),
waiting AS (
  SELECT consumer, topic, partition, count(*) AS parked_rows
    FROM {kinbox}.parked_events WHERE NOT imported
   GROUP BY consumer, topic, partition)
SELECT p.consumer, p.topic, p.partition, p.first_offset, p.next_offset, p.applied, p.duplicates,
       p.parked, p.dead, p.skipped, p.gaps,
       CAST(coalesce(i.applied_rows, 0) AS bigint) AS applied_rows,
       CAST(coalesce(i.skipped_rows, 0) AS bigint) AS skipped_rows,
       CAST(coalesce(i.rows_ahead, 0) AS bigint) AS rows_ahead,
       CAST(coalesce(l.dead_rows, 0) AS bigint) AS dead_rows,
       CAST(coalesce(l.imported, 0) AS bigint) AS imported,
       coalesce(w.parked_rows, 0) AS parked_rows,
       p.open_batch IS NOT NULL AS open_batch,
       p.dedup_floor > p.first_offset
         OR EXISTS (SELECT 1 FROM {kinbox}.prunings AS g
                     WHERE g.scope = p.consumer AND g.begun_at IS NOT NULL) AS pruned,
       EXISTS (SELECT 1 FROM {kinbox}.replays AS r WHERE r.consumer = p.consumer)
         OR EXISTS (SELECT 1 FROM {kinbox}.audit AS a
                     WHERE a.consumer = p.consumer AND a.action IN ('position set', 'position import',
                                      'position accept-gap')) AS by_hand
  FROM {kinbox}.consumer_progress AS p
  LEFT JOIN inbox AS i
    ON i.consumer = p.consumer AND i.topic = p.topic AND i.partition = p.partition
  LEFT JOIN letters AS l
    ON l.consumer = p.consumer AND l.topic = p.topic AND l.partition = p.partition
  LEFT JOIN waiting AS w
    ON w.consumer = p.consumer AND w.topic = p.topic AND w.partition = p.partition
 ORDER BY p.consumer, p.topic, p.partition)";

Recount recount_of(const Row& row) {
  Recount partition;
  partition.consumer = row.get<std::string>("consumer");
  partition.partition = {row.get<std::string>("topic"),
                         static_cast<std::int32_t>(row.get<std::int64_t>("partition"))};
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
  partition.rows_ahead = row.get<std::int64_t>("rows_ahead");
  partition.imported = row.get<std::int64_t>("imported");
  partition.open_batch = row.get<bool>("open_batch");
  partition.pruned = row.get<bool>("pruned");
  partition.changed_by_hand = row.get<bool>("by_hand");
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

  void compare(const char* counter, std::int64_t counted, std::int64_t rows) {
    if (rows < counted) missing(counter, counted, rows);
    if (rows > counted) surplus(counter, counted, rows);
  }

  /// Poison that is skipped has no id, and no row.
  void at_most(const char* counter, std::int64_t counted, std::int64_t rows) {
    if (rows > counted) surplus(counter, counted, rows);
  }

  void ahead() {
    if (of_.rows_ahead <= of_.imported) return;
    differs(of_.changed_by_hand, std::to_string(of_.rows_ahead) +
                                     " inbox rows are of records that the position has not "
                                     "reached: their records will be duplicates");
  }

 private:
  void missing(const char* counter, std::int64_t counted, std::int64_t rows) {
    const auto text = difference(counter, counted, rows);
    if (of_.pruned)
      differs(true, text + ", as rows were pruned");
    else
      differs(of_.changed_by_hand || counted - rows <= of_.imported,
              text + ": events without a row run again if their records come again");
  }

  void surplus(const char* counter, std::int64_t counted, std::int64_t rows) {
    differs(of_.changed_by_hand || rows - counted <= of_.imported,
            difference(counter, counted, rows) +
                ": rows were written by somebody else, or the position was set back");
  }

  static std::string difference(const char* counter, std::int64_t counted, std::int64_t rows) {
    return std::string(counter) + " is " + std::to_string(counted) + ", and " +
           std::to_string(rows) + " rows are there";
  }

  void differs(bool explained, const std::string& note) {
    if (!explained) return wrong(note);
    of_.finding = std::max(of_.finding, Finding::kUnknown);
    of_.notes.push_back(note + " (cannot be recounted)");
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
  const auto& counters = partition.counters;
  Judge judge(partition);
  judge.law();
  judge.compare("applied", counters.applied, partition.applied_rows);
  judge.compare("dead", counters.dead, partition.dead_rows);
  judge.compare("parked", counters.parked, partition.parked_rows);
  judge.at_most("skipped", counters.skipped, partition.skipped_rows);
  judge.ahead();
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
