#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kinbox::postgres {

/// `INSERT INTO table (columns) VALUES ($2, $1, ...)`, with `ON CONFLICT ... DO NOTHING` or nothing
/// behind it: the statements of which many can be sent as one.
struct PlainInsert {
  /// As written.
  std::string table;
  std::string columns;
  /// For each column, the number of its parameter, from 1. Each number occurs once, none is
  /// missing.
  std::vector<std::size_t> parameters;
  /// As written, or empty.
  std::string on_conflict;
};

/// Reads such a statement; nullopt for every other. A statement that holds a comment is never one:
/// so a user keeps it apart.
std::optional<PlainInsert> parse_plain_insert(std::string_view sql);

/// The statement that inserts a row for each element of its parameters, one array per parameter of
/// `insert`. `array_types` by parameter.
std::string insert_from_arrays(const PlainInsert& insert,
                               const std::vector<std::string>& array_types);

}  // namespace kinbox::postgres
