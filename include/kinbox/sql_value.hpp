#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "kinbox/bytes.hpp"

namespace kinbox {

/// One argument of a statement. Points into what the caller passed; it is read before the call it
/// is passed to returns.
///
/// Types on the wire: the server infers the parameter's type from the statement, and the argument
/// is sent as text in the form that every SQL type reads (`true`, `42`, `0.5`); bytes alone are
/// sent as bytes (bytea / BLOB). Where PostgreSQL cannot infer (`SELECT $1`), write a cast. SQLite
/// binds bool as INTEGER 0 or 1, int64 as INTEGER, double as REAL, text as TEXT. Text that is not
/// UTF-8 or holds NUL is an SqlError on both databases: pass it as bytes.
class SqlParam {
 public:
  using Value = std::variant<std::monostate, bool, std::int64_t, double, std::string_view, Bytes>;

  SqlParam(std::nullptr_t) {}  // NOLINT(google-explicit-constructor): arguments are written plainly
  SqlParam(std::nullopt_t) {}  // NOLINT(google-explicit-constructor)
  SqlParam(bool value) : value_(value) {}              // NOLINT(google-explicit-constructor)
  SqlParam(double value) : value_(value) {}            // NOLINT(google-explicit-constructor)
  SqlParam(std::string_view value) : value_(value) {}  // NOLINT(google-explicit-constructor)
  SqlParam(const std::string& value) : value_(std::string_view(value)) {}  // NOLINT
  SqlParam(const char* value) : value_(std::string_view(value)) {}         // NOLINT
  SqlParam(Bytes value) : value_(value) {}  // NOLINT(google-explicit-constructor)
  SqlParam(const ByteVector& value) : value_(Bytes(value)) {}  // NOLINT
  /// Any integer that an int64 holds; uint64 is refused at compile time, it would not fit.
  template <typename Integer>
  requires(std::is_integral_v<Integer> && !std::is_same_v<Integer, bool> &&
           (std::is_signed_v<Integer> || sizeof(Integer) < sizeof(std::int64_t)))
      SqlParam(Integer value)                        // NOLINT(google-explicit-constructor)
      : value_(static_cast<std::int64_t>(value)) {}  // NOLINT
  /// An empty optional is NULL.
  template <typename T>
  SqlParam(const std::optional<T>& value) {  // NOLINT(google-explicit-constructor)
    if (value) value_ = SqlParam(*value).value_;
  }

  const Value& value() const noexcept { return value_; }

 private:
  Value value_;
};

/// One field of a result, owning its bytes. Numbers without an exact C++ type (PostgreSQL's
/// numeric), dates and the rest arrive as the database's text.
using SqlValue = std::variant<std::monostate, bool, std::int64_t, double, std::string, ByteVector>;

}  // namespace kinbox
