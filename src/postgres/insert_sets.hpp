#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "kinbox/errors.hpp"
#include "kinbox/sql_value.hpp"

namespace kinbox::postgres {

/// A statement of which many can be sent as one.
struct SetInsert {
  /// With one array per parameter.
  std::string text;
  /// What it inserts into, by the server's name for it.
  std::string table;
  /// By parameter. Bytes go into such a one only: elsewhere the server would read them as text.
  std::vector<bool> is_bytea;
};

/// Inserts of handlers that wait to be sent together, one set per statement.
///
/// The rows of the event that is being handled are held apart until it is over: until then its
/// handler may ask how many rows each of its statements inserted.
class InsertSets {
 public:
  /// Rows that one statement will insert.
  struct Set {
    const SetInsert* form = nullptr;
    std::vector<std::string> arrays;
    std::size_t rows = 0;
    /// Of the first row's statement.
    StatementNumber number = 0;
  };

  /// Whether `params` can go into an array each.
  static bool fits(const SetInsert& form, std::span<const SqlParam> params);

  /// Rows of another statement wait for the same table: send them first, or the order of two
  /// inserts of one key could change.
  bool stands_behind_others(const SetInsert& form) const noexcept;

  /// `form` lives as long as the row. Throws SqlError on a text that holds NUL; nothing is held
  /// then.
  void hold(const SetInsert& form, StatementNumber number, std::span<const SqlParam> params);
  /// Rows held so far join the sets.
  void join();

  /// So much that it should be sent.
  bool full() const noexcept;
  bool empty() const noexcept { return sets_.empty() && held_.empty(); }
  bool holds(StatementNumber number) const noexcept;

  /// All sets, in the order in which their statements came first; behind them what is held, row by
  /// row. Nothing is left.
  std::vector<Set> take();

 private:
  struct Held {
    const SetInsert* form = nullptr;
    StatementNumber number = 0;
    std::vector<std::string> elements;
  };

  static void append(Set& set, const Held& row);
  Set& set_of(const Held& row);

  std::vector<Set> sets_;
  std::vector<Held> held_;
  std::size_t rows_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace kinbox::postgres
