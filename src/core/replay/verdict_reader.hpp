#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "kinbox/database.hpp"
#include "kinbox/inbox.hpp"

namespace kinbox {

/// Tells the verdicts of many events that come about in the order in which they were decided, as
/// those of a log do.
///
/// By its id an event costs the database a search in its index. What was decided together lies
/// together in the table, and costs a tenth of that when it is read together: a stretch of the
/// table is loaded when a sample shows that much of what is asked for lies there. What no stretch
/// brought is asked for by its id. So loading changes what an answer costs, never whether there is
/// one; but the answer may be that of an earlier call's time.
class VerdictReader {
 public:
  struct Bounds {
    /// Of PostgreSQL's table, in blocks.
    std::int64_t blocks_in_stretch = 256;
    /// Of SQLite's table.
    std::int64_t rows_in_stretch = 16'384;
    /// Rows that are kept: up to twice as many, and one stretch.
    std::size_t rows_kept = 65'536;
    /// Ids of which it is looked up where they lie, before a stretch is loaded. No stretch is
    /// loaded for fewer.
    std::size_t sample = 64;
  };

  VerdictReader(std::string consumer, const Dialect& dialect, const Bounds& bounds);
  VerdictReader(std::string consumer, const Dialect& dialect)
      : VerdictReader(std::move(consumer), dialect, Bounds()) {}

  /// Verdicts of `event_ids` in the given order; nullopt where there is none. Uses a transaction of
  /// its own if it needs to ask. Throws InfrastructureError.
  std::vector<std::optional<Verdict>> find(Database& database,
                                           std::span<const std::string_view> event_ids);

  /// Rows that came in stretches so far.
  std::int64_t loaded() const noexcept { return loaded_; }

 private:
  using Answers = std::vector<std::optional<Verdict>>;
  /// Indices of ids without an answer yet.
  using Open = std::vector<std::size_t>;

  /// What was loaded at about one time, to be forgotten together.
  struct Generation {
    /// Of ids in `rows`.
    std::unordered_map<std::string_view, Verdict> verdicts;
    std::vector<Rows> rows;
    std::set<std::int64_t> stretches;
  };

  bool pays() const;
  Open recall(std::span<const std::string_view> ids, const Open& open, Answers& answers);
  /// Stretches where enough of `open` lie; the sample gets its answers.
  std::vector<std::int64_t> promising(OpenTransaction& tx, std::span<const std::string_view> ids,
                                      const Open& open, Answers& answers) const;
  void load(OpenTransaction& tx, std::int64_t stretch);
  /// The stretch of each of `open` that is found.
  std::vector<std::int64_t> ask(OpenTransaction& tx, std::span<const std::string_view> ids,
                                const Open& open, Answers& answers) const;

  std::string consumer_;
  Backend backend_;
  Bounds bounds_;
  BulkStatement ask_;
  std::string load_;
  Generation young_;
  Generation old_;
  std::int64_t loaded_ = 0;
  std::int64_t recalled_ = 0;
};

}  // namespace kinbox
