#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "kinbox/inbox.hpp"
#include "kinbox/rows.hpp"

namespace kinbox {

/// Tells what the inbox has of many events that come about in the order in which they were decided,
/// as those of a log that is read again do.
///
/// By its id an event costs the database a search in its index. What was decided together lies
/// together in the table, and costs a tenth of that when it is read together: a stretch of the
/// table is loaded when a sample shows that much of what is asked for lies there. What no stretch
/// brought is asked for by its id, and so is what waits for another verdict: only applied events
/// are remembered. (One that fails in a reprocess is dead from then on, and may be applied here: a
/// duplicate either way.) So loading changes what an answer costs; but one from memory says what
/// was true when it was loaded, and whoever takes rows away has to see to it that forget() is
/// called.
class InboxReader {
 public:
  struct Bounds {
    /// Of PostgreSQL's table, in blocks.
    std::int64_t blocks_in_stretch = 256;
    /// `server_version_num` of the first PostgreSQL that finds a stretch without reading the whole
    /// table (TID range scans). Before, nothing is loaded.
    std::int64_t oldest_server = 140'000;
    /// Of SQLite's table.
    std::int64_t rows_in_stretch = 16'384;
    /// Rows that are remembered: up to twice as many, and one stretch.
    std::size_t rows_kept = 131'072;
    /// Ids of which it is looked up where they lie, before a stretch is loaded. For fewer, only one
    /// that continues another is.
    std::size_t sample = 64;
  };

  /// Whether entries have their fingerprints. Without, they are smaller.
  enum class Fingerprints { kWith, kWithout };

  InboxReader(std::string consumer, const Dialect& dialect, Fingerprints fingerprints,
              const Bounds& bounds);
  InboxReader(std::string consumer, const Dialect& dialect, Fingerprints fingerprints)
      : InboxReader(std::move(consumer), dialect, fingerprints, Bounds()) {}

  using Entries = std::vector<std::optional<Inbox::Entry>>;

  /// Entries of `event_ids` in the given order; nullopt where there is none. `known` is what
  /// recall() gave for them.
  Entries find(OpenTransaction& tx, std::span<const std::string_view> event_ids, Entries known);
  /// Of those, the remembered ones.
  Entries recall(std::span<const std::string_view> event_ids);

  void forget();

  /// Rows that came in stretches so far.
  std::int64_t loaded() const noexcept { return loaded_; }

 private:
  /// Indices of ids without an entry yet.
  using Open = std::vector<std::size_t>;

  /// What was loaded at about one time, to be forgotten together.
  struct Generation {
    std::pmr::monotonic_buffer_resource memory;
    /// Fingerprints by event id, in hexadecimal digits. The texts are those of `rows`.
    std::pmr::unordered_map<std::string_view, std::string_view> entries{&memory};
    std::vector<Rows> rows;
    std::set<std::int64_t> stretches;
    /// Entries that were asked for.
    std::size_t used = 0;
  };

  bool pays() const;
  bool reads_stretches(OpenTransaction& tx);
  /// The older generation goes.
  void age();
  Open recall(std::span<const std::string_view> ids, const Open& open, Entries& entries);
  std::optional<std::string_view> remembered(std::string_view id);
  /// Stretches where enough of `open` lie; the sample gets its entries.
  std::vector<std::int64_t> promising(OpenTransaction& tx, std::span<const std::string_view> ids,
                                      const Open& open, Entries& entries);
  bool has(std::int64_t stretch) const;
  /// Whoever came to its first rows comes to the others.
  bool continues(std::int64_t stretch) const;
  void load(OpenTransaction& tx, std::int64_t stretch);
  /// `ids` are lines; `fingerprints` are digits without anything between, or none.
  void remember(std::string_view ids, std::string_view fingerprints);
  /// The stretch of each of `open` that is found.
  std::vector<std::int64_t> ask(OpenTransaction& tx, std::span<const std::string_view> ids,
                                const Open& open, Entries& entries);

  std::string consumer_;
  Backend backend_;
  Bounds bounds_;
  BulkStatement ask_;
  std::string load_;
  std::unique_ptr<Generation> young_ = std::make_unique<Generation>();
  std::unique_ptr<Generation> old_ = std::make_unique<Generation>();
  /// Once it was asked.
  std::optional<bool> reads_stretches_;
  std::int64_t loaded_ = 0;
  /// Generations in a row of which little was used.
  int poor_ = 0;
  /// Ids that were asked for since.
  std::size_t asked_ = 0;
};

}  // namespace kinbox
