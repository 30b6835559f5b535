#pragma once

#include <string>
#include <string_view>

#include "kinbox/dialect.hpp"

namespace kinbox {

// Expressions of the database's SQL about its own clock. They are yet to be rendered.

/// The moment `milliseconds` from now. `milliseconds` is a parameter ("$2", also "-$2").
inline std::string sql_moment(const Dialect& dialect, std::string_view milliseconds) {
  const std::string amount(milliseconds);
  return dialect.backend() == Backend::kSqlite
             ? "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', (" + amount + " / 1000.0) || ' seconds')"
             : "{now} + " + amount + "::bigint * interval '1 millisecond'";
}

/// Milliseconds from now to `moment`, negative if it is past; NULL if that is.
inline std::string sql_milliseconds_until(const Dialect& dialect, std::string_view moment) {
  const std::string then(moment);
  return dialect.backend() == Backend::kSqlite
             ? "CAST((julianday(" + then + ") - julianday('now')) * 86400000.0 AS INTEGER)"
             : "CAST(extract(epoch FROM " + then + " - {now}) * 1000 AS bigint)";
}

/// `moment` in milliseconds since the Unix epoch; NULL if that is.
inline std::string sql_epoch_milliseconds(const Dialect& dialect, std::string_view moment) {
  const std::string then(moment);
  return dialect.backend() == Backend::kSqlite
             ? "CAST(round((julianday(" + then + ") - 2440587.5) * 86400000.0) AS INTEGER)"
             : "CAST(extract(epoch FROM " + then + ") * 1000 AS bigint)";
}

/// The moment that is `milliseconds` (a parameter) after the Unix epoch.
inline std::string sql_instant(const Dialect& dialect, std::string_view milliseconds) {
  const std::string amount(milliseconds);
  return dialect.backend() == Backend::kSqlite
             ? "strftime('%Y-%m-%dT%H:%M:%fZ', " + amount + " / 1000.0, 'unixepoch')"
             : "to_timestamp(" + amount + "::bigint / 1000.0)";
}

/// `moment` as a text of ISO 8601 in UTC with milliseconds, which is how SQLite has it.
inline std::string sql_iso_text(const Dialect& dialect, std::string_view moment) {
  const std::string then(moment);
  return dialect.backend() == Backend::kSqlite
             ? then
             : "to_char(" + then + " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')";
}

}  // namespace kinbox
