#include "sqlite/statement.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/utf8.hpp"
#include "kinbox/errors.hpp"
#include "sqlite/connection.hpp"

namespace kinbox::sqlite {
namespace {

/// N of "$N"; 0 if `name` is anything else.
std::size_t placeholder_number(std::string_view name) {
  std::size_t number = 0;
  if (!name.starts_with('$') || name.starts_with("$0")) return 0;
  const auto* end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data() + 1, end, number);
  return error == std::errc{} && stop == end ? number : 0;
}

[[noreturn]] void refuse_placeholder(std::string_view name) {
  std::string text = "placeholder \"" + std::string(name) + "\": write $1, $2 ...";
  if (name.find("::") != std::string_view::npos)
    text += " and CAST($1 AS type): SQLite reads \"::\" as part of the name";
  throw SqlError(text, "kinbox_placeholder");
}

/// What PostgreSQL cannot hold would be found out late, by a service that moved there.
void refuse_unstorable(std::string_view text) {
  if (text.find('\0') == std::string_view::npos && is_utf8(text)) return;
  throw SqlError("a text argument is not UTF-8 or holds NUL; pass it as bytes", "kinbox_text");
}

/// Binds one value as parameter `index`. Text and bytes are not copied: they live until the run
/// ends.
struct Bind {
  sqlite3_stmt* statement;
  int index;

  int operator()(std::monostate) const { return sqlite3_bind_null(statement, index); }
  int operator()(bool value) const { return sqlite3_bind_int64(statement, index, value ? 1 : 0); }
  int operator()(std::int64_t value) const { return sqlite3_bind_int64(statement, index, value); }
  int operator()(double value) const {
    // SQLite would store NULL without a word.
    if (std::isnan(value)) throw SqlError("NaN as an argument: SQLite has none", "kinbox_nan");
    return sqlite3_bind_double(statement, index, value);
  }
  // A null pointer would bind NULL, and empty is not NULL.
  int operator()(std::string_view text) const {
    refuse_unstorable(text);
    return sqlite3_bind_text64(statement, index, text.empty() ? "" : text.data(), text.size(),
                               SQLITE_STATIC, SQLITE_UTF8);
  }
  int operator()(Bytes bytes) const {
    const void* data = bytes.data();
    return sqlite3_bind_blob64(statement, index, bytes.empty() ? "" : data, bytes.size(),
                               SQLITE_STATIC);
  }
};

SqlValue field(sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
      return std::int64_t{sqlite3_column_int64(statement, column)};
    case SQLITE_FLOAT:
      return sqlite3_column_double(statement, column);
    case SQLITE_TEXT: {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
      return std::string(text, static_cast<std::size_t>(sqlite3_column_bytes(statement, column)));
    }
    case SQLITE_BLOB: {
      const auto* bytes = static_cast<const std::byte*>(sqlite3_column_blob(statement, column));
      return ByteVector(bytes, bytes + sqlite3_column_bytes(statement, column));
    }
    default:
      return std::monostate{};
  }
}

void append_row(sqlite3_stmt* statement, std::vector<SqlValue>& values) {
  const int columns = sqlite3_column_count(statement);
  for (int column = 0; column < columns; ++column) values.push_back(field(statement, column));
}

std::vector<std::string> column_names(sqlite3_stmt* statement) {
  std::vector<std::string> names;
  for (int i = 0; i < sqlite3_column_count(statement); ++i)
    names.emplace_back(sqlite3_column_name(statement, i));
  return names;
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const noexcept {
  sqlite3_finalize(statement);
}

/// Leaves the statement ready for the next run, and without pointers into the caller's values.
class Statement::Run {
 public:
  explicit Run(sqlite3_stmt* statement) : statement_(statement) {}
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  ~Run() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }

 private:
  sqlite3_stmt* statement_;
};

Statement::Statement(Connection& connection, std::string_view sql) : connection_(connection) {
  handle_ = prepare(sql);
  if (!handle_) throw SqlError("the statement is empty", "kinbox_statements");
  if (prepare(sql))
    throw SqlError("one call runs one statement; split the text at ';'", "kinbox_statements");
  number_placeholders();
}

Statement::Handle Statement::prepare(std::string_view& sql) {
  const char* const begin = sql.empty() ? "" : sql.data();
  const char* tail = begin;
  sqlite3_stmt* statement = nullptr;
  connection_.check(sqlite3_prepare_v3(connection_.handle(), begin, static_cast<int>(sql.size()),
                                       SQLITE_PREPARE_PERSISTENT, &statement, &tail));
  sql.remove_prefix(static_cast<std::size_t>(tail - begin));
  return Handle(statement);
}

/// "$1" is a name to SQLite, numbered by first appearance: "SELECT $2, $1" has $2 first.
void Statement::number_placeholders() {
  const int count = sqlite3_bind_parameter_count(handle_.get());
  for (int i = 1; i <= count; ++i) {
    const char* name = sqlite3_bind_parameter_name(handle_.get(), i);
    const auto number = placeholder_number(name == nullptr ? "?" : name);
    if (number == 0) refuse_placeholder(name == nullptr ? "?" : name);
    numbers_.push_back(number);
  }
  const auto highest = std::max_element(numbers_.begin(), numbers_.end());
  if (highest != numbers_.end() && *highest != numbers_.size())
    throw SqlError("placeholders go up to $" + std::to_string(*highest) + " but only " +
                       std::to_string(numbers_.size()) + " are used; number them without gaps",
                   "kinbox_placeholder");
}

void Statement::bind(std::span<const SqlParam> params) {
  if (params.size() != numbers_.size())
    throw SqlError("the statement has " + std::to_string(numbers_.size()) +
                       " placeholders, the call " + std::to_string(params.size()) + " arguments",
                   "kinbox_arguments");
  for (std::size_t i = 0; i < numbers_.size(); ++i)
    connection_.check(
        std::visit(Bind{handle_.get(), static_cast<int>(i + 1)}, params[numbers_[i] - 1].value()));
}

bool Statement::step() {
  const int result = sqlite3_step(handle_.get());
  connection_.check(result);
  return result == SQLITE_ROW;
}

void Statement::run(std::span<const SqlParam> params, Result* result) {
  const Run run(handle_.get());
  bind(params);
  bool has_row = step();
  // Only now: the first step prepares again when the schema has changed.
  if (result != nullptr && result->columns.empty()) result->columns = column_names(handle_.get());
  for (; has_row; has_row = step())
    if (result != nullptr) append_row(handle_.get(), result->values);
}

}  // namespace kinbox::sqlite
