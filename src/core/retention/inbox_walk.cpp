#include "core/retention/inbox_walk.hpp"

#include <algorithm>
#include <utility>

#include "core/replaced.hpp"
#include "core/sql_moment.hpp"
#include "core/stored_record.hpp"

namespace kinbox {
namespace {

constexpr std::string_view kDue =
    "consumer = $1 AND verdict IN ('applied', 'skipped') AND processed_at < {before}";

std::string with_due(std::string_view sql, const Dialect& dialect) {
  const auto text = replaced(sql, "{due}", kDue);
  return dialect.render(replaced(text, "{before}", sql_instant(dialect, "$2")));
}

void add(DueRows& due, const Row& row) {
  auto partition = stored_partition(row);
  due[std::move(partition)].push_back(
      {row.get<std::string>("place"), row.get<std::int64_t>("record_offset")});
}

/// Rowids are in order of arrival: behind a stretch without an old row there is none.
class SqliteWalk final : public InboxWalk {
 public:
  SqliteWalk(const Dialect& dialect, DueInbox due)
      : due_(std::move(due)), stretch_(with_due(kStretch, dialect)) {}

  bool next(OpenTransaction& tx, DueRows& due) override {
    if (over_) return false;
    const auto rows = tx.query(stretch_, due_.consumer, due_.before, behind_, kRows);
    over_ = static_cast<std::int64_t>(rows.size()) < kRows;
    bool any_old = false;
    for (const auto row : rows) {
      any_old = any_old || row.get<bool>("is_old");
      if (row.get<bool>("is_due")) add(due, row);
      behind_ = row.get<std::int64_t>("rowid");
    }
    over_ = over_ || !any_old;
    return true;
  }

  std::optional<std::int64_t> place() const override { return std::nullopt; }

 private:
  static constexpr std::int64_t kRows = 4'000;
  static constexpr std::string_view kStretch =
      "SELECT rowid, CAST(rowid AS TEXT) AS place, topic, partition, record_offset, "
      "{due} AS is_due, processed_at < strftime('%Y-%m-%dT%H:%M:%fZ', $2 / 1000.0, 'unixepoch') "
      "AS is_old FROM {kinbox}.processed_events WHERE rowid > $3 ORDER BY rowid LIMIT $4";

  DueInbox due_;
  std::string stretch_;
  std::int64_t behind_ = 0;
  bool over_ = false;
};

/// By blocks. Deleted rows make room for new ones where they were, so the table becomes a ring: the
/// oldest rows are where the last walk ended. (The BRIN index finds them only until then: its
/// ranges never become narrower.)
class PostgresWalk final : public InboxWalk {
 public:
  PostgresWalk(const Dialect& dialect, DueInbox due, bool go_on)
      : due_(std::move(due)),
        go_on_(go_on),
        measure_(dialect.render(kMeasure)),
        stretch_(with_due(kStretch, dialect)) {}

  bool next(OpenTransaction& tx, DueRows& due) override {
    if (!left_) measure(tx);
    if (*left_ == 0 || (go_on_ && quiet_ > patience_)) return false;
    const auto end = std::min(at_ + kBlocks, blocks_);
    const auto rows = tx.query(stretch_, due_.consumer, due_.before, tid(at_), tid(end));
    for (const auto row : rows) add(due, row);
    quiet_ = rows.empty() ? quiet_ + 1 : 0;
    if (!rows.empty()) found_at_ = at_;
    at_ = end == blocks_ ? 0 : end;
    --*left_;
    return true;
  }

  std::optional<std::int64_t> place() const override { return found_at_.value_or(at_); }

 private:
  /// Four megabytes: some 30,000 rows.
  static constexpr std::int64_t kBlocks = 512;
  static constexpr std::int64_t kLeastPatience = 16;
  static constexpr std::string_view kMeasure =
      "SELECT pg_relation_size('{kinbox}.processed_events') "
      "/ current_setting('block_size')::bigint AS blocks, "
      "COALESCE((SELECT next_block FROM {kinbox}.prunings WHERE scope = $1), 0) AS next_block";
  static constexpr std::string_view kStretch =
      "SELECT ctid::text AS place, topic, partition, record_offset "
      "FROM {kinbox}.processed_events WHERE ctid >= $3::tid AND ctid < $4::tid AND {due}";

  static std::string tid(std::int64_t block) { return "(" + std::to_string(block) + ",0)"; }

  void measure(OpenTransaction& tx) {
    const auto rows = tx.query(measure_, due_.consumer);
    blocks_ = rows[0].get<std::int64_t>("blocks");
    left_ = (blocks_ + kBlocks - 1) / kBlocks;
    patience_ = std::max(kLeastPatience, *left_ / 16);
    const auto last = rows[0].get<std::int64_t>("next_block") / kBlocks * kBlocks;
    if (go_on_ && last < blocks_) at_ = last;
  }

  DueInbox due_;
  bool go_on_;
  std::string measure_;
  std::string stretch_;
  std::int64_t blocks_ = 0;
  std::int64_t at_ = 0;
  /// Stretches, until the ring is closed.
  std::optional<std::int64_t> left_;
  std::int64_t quiet_ = 0;
  std::int64_t patience_ = 0;
  std::optional<std::int64_t> found_at_;
};

}  // namespace

std::unique_ptr<InboxWalk> make_inbox_walk(const Dialect& dialect, DueInbox due, bool go_on) {
  if (dialect.backend() == Backend::kSqlite)
    return std::make_unique<SqliteWalk>(dialect, std::move(due));
  return std::make_unique<PostgresWalk>(dialect, std::move(due), go_on);
}

}  // namespace kinbox
