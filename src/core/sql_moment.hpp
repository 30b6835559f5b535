#pragma once

#include <string>
#include <string_view>

#include "kinbox/dialect.hpp"

namespace kinbox {

/// The moment `milliseconds` from now on the database's clock, as an expression of its SQL that is
/// yet to be rendered. `milliseconds` is a parameter ("$2", also "-$2").
inline std::string sql_moment(const Dialect& dialect, std::string_view milliseconds) {
  const std::string amount(milliseconds);
  return dialect.backend() == Backend::kSqlite
             ? "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', (" + amount + " / 1000.0) || ' seconds')"
             : "{now} + " + amount + "::bigint * interval '1 millisecond'";
}

}  // namespace kinbox
