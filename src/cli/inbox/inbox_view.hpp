#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/dlq/letter_selection.hpp"
#include "kinbox/database.hpp"
#include "kinbox/rows.hpp"

namespace kinbox::cli {

/// Which events of one consumer's inbox are listed. Consumer, `prefix` and `after` are those of the
/// primary key; everything else is looked at row by row.
struct InboxSelection {
  std::string consumer;
  /// Ids that begin with it.
  std::string prefix = {};
  std::optional<std::string> verdict = {};
  std::optional<std::string> topic = {};
  std::optional<std::int32_t> partition = {};
  std::optional<std::string> event_type = {};
  std::optional<Timestamp> since = {};
  std::optional<Timestamp> until = {};

  bool looks_at_rows() const {
    return verdict || topic || partition || event_type || since || until;
  }
};

struct InboxWindow {
  /// Only ids behind this one, in order of bytes.
  std::string after = {};
  std::int64_t limit = 100;
  /// No more rows than this are looked at for one page.
  std::int64_t scan = 100'000;
};

/// The same as the options that select it, to be typed again.
std::string as_options(const InboxSelection& selection);

/// Rows in order of ids: event_id, verdict, type, topic, partition, offset, generation,
/// processed_at.
BoundSql inbox_page_sql(const InboxSelection& selection, const InboxWindow& window);
/// The last id of the rows that a page looks at; no row if these are the rest.
BoundSql inbox_window_end_sql(const InboxSelection& selection, const InboxWindow& window);

struct InboxPage {
  Rows rows;
  /// Where the next page begins; nullopt: this is the last.
  std::optional<std::string> next;
};

/// The inbox of consumers, for commands. Each call is a transaction of its own; what cannot be
/// carried out throws InfrastructureError.
class InboxView {
 public:
  explicit InboxView(Database& database) : database_(database) {}

  /// All consumers that the database has seen.
  std::vector<std::string> consumers();
  InboxPage list(const InboxSelection& selection, const InboxWindow& window);
  Database& database() { return database_; }

 private:
  Database& database_;
};

}  // namespace kinbox::cli
