#include "kinbox/dialect.hpp"

#include <algorithm>

#include "core/replaced.hpp"
#include "kinbox/errors.hpp"

namespace kinbox {
namespace {

constexpr std::string_view kSqliteNow = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')";
// Not now(): that is the transaction's start, which a long batch leaves far behind.
constexpr std::string_view kPostgresNow = "clock_timestamp()";

bool is_plain_identifier(std::string_view name) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789_";
  return !name.empty() && name.size() <= 63 &&
         name.find_first_not_of(kAllowed) == std::string_view::npos &&
         !(name.front() >= '0' && name.front() <= '9');
}

}  // namespace

Dialect::Dialect(Backend backend, std::string schema)
    : backend_(backend), schema_(std::move(schema)) {
  if (!is_plain_identifier(schema_))
    throw ConfigurationError("database schema \"" + schema_ +
                             "\": use lower-case letters, digits and '_' (at most 63), not "
                             "starting with a digit");
}

std::string Dialect::render(std::string_view text) const {
  const auto now = backend_ == Backend::kSqlite ? kSqliteNow : kPostgresNow;
  return replaced(replaced(text, "{kinbox}", schema_), "{now}", now);
}

}  // namespace kinbox
