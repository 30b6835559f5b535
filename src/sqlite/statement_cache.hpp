#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "sqlite/statement.hpp"

namespace kinbox::sqlite {

/// A connection's prepared statements by text; the one unused for longest goes first.
class StatementCache {
 public:
  /// Keeps at most `capacity` statements, at least one.
  explicit StatementCache(std::size_t capacity);

  /// Valid until the next call.
  Statement& get(Connection& connection, std::string_view sql);

 private:
  struct Entry {
    std::string sql;
    Statement statement;
  };

  std::size_t capacity_;
  /// Most recently used first. A list: entries stay where they are, and the index points into them.
  std::list<Entry> entries_;
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_text_;
};

}  // namespace kinbox::sqlite
