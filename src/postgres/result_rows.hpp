#pragma once

#include <libpq-fe.h>

#include <cstdint>

#include "kinbox/rows.hpp"

namespace kinbox::postgres {

/// Copies a result in text format: bool, integers, floats and bytea as such, everything else
/// (numeric, dates, json ...) as PostgreSQL's text.
Rows rows_from(const PGresult& result);

/// Rows that an INSERT, UPDATE, DELETE or MERGE touched; 0 for any other statement.
std::int64_t affected_rows(PGresult& result);

}  // namespace kinbox::postgres
