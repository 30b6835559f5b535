#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "kinbox/rows.hpp"
#include "postgres/insert_sets.hpp"
#include "postgres/plain_insert.hpp"

namespace kinbox::postgres {

/// Asks the server whether many rows of a prepared statement may be sent as one, and with which
/// types. $1: the statement's name, $2: the table as written. A row per parameter; less than all
/// means no.
extern const char* const kInsertForm;

/// The answer to kInsertForm; nullopt for no.
std::optional<SetInsert> set_insert_from(const PlainInsert& insert, const Rows& answer);

/// What one connection knows of its statements' set forms. Entries stay where they are.
class InsertForms {
 public:
  explicit InsertForms(std::size_t capacity) : capacity_(capacity) {}

  /// Null if nobody asked yet; holds nothing if the statement has no such form.
  const std::optional<SetInsert>* find(std::string_view sql) const;
  const std::optional<SetInsert>& add(std::string_view sql, std::optional<SetInsert> form);
  bool full() const noexcept { return by_sql_.size() >= capacity_; }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };
  std::size_t capacity_;
  std::unordered_map<std::string, std::optional<SetInsert>, Hash, std::equal_to<>> by_sql_;
};

}  // namespace kinbox::postgres
