#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace kinbox::postgres {

/// Names of the statements that one connection has prepared, by text. Knows nothing of the server:
/// what it is told to remember or forget, the caller has done there.
class StatementCache {
 public:
  explicit StatementCache(std::size_t capacity) : capacity_(capacity) {}

  /// The name under which `sql` is prepared, or null. Counts as use.
  const std::string* find(std::string_view sql);

  /// A name for a statement to be prepared; never given twice.
  std::string next_name() { return "kinbox_" + std::to_string(++last_); }

  /// Remembers that `sql` is prepared as `name`. Room must have been made.
  void add(std::string_view sql, std::string name);

  /// Preparing `sql` failed, or did not happen.
  void forget(std::string_view sql);

  /// When full: forgets the statement unused for longest and returns its name, to be deallocated.
  std::optional<std::string> make_room();

 private:
  struct Entry {
    std::string sql;
    std::string name;
  };
  std::size_t capacity_;
  std::uint64_t last_ = 0;
  /// Last used first. The index views the entries' texts, which a list does not move.
  std::list<Entry> entries_;
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_sql_;
};

}  // namespace kinbox::postgres
