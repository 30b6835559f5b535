#pragma once

#include "cli/dlq/letter_selection.hpp"
#include "core/own_statements.hpp"
#include "kinbox/database.hpp"
#include "kinbox/rows.hpp"

namespace kinbox::cli {

/// What a query gives, seen from a transaction of its own. `what` is for people.
inline Rows ask(Database& database, const char* what, const BoundSql& query) {
  Rows rows;
  own_transaction(database, what, [&](OpenTransaction& tx) {
    rows = tx.query_with(tx.dialect().render(query.text), query.params());
  });
  return rows;
}

}  // namespace kinbox::cli
