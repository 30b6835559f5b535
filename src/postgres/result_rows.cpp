#include "postgres/result_rows.hpp"

#include <charconv>
#include <string_view>

#include "kinbox/errors.hpp"
#include "postgres/handles.hpp"

namespace kinbox::postgres {
namespace {

// From PostgreSQL's pg_type.dat; they never change.
constexpr Oid kBool = 16;
constexpr Oid kBytea = 17;
constexpr Oid kInt8 = 20;
constexpr Oid kInt2 = 21;
constexpr Oid kInt4 = 23;
constexpr Oid kOid = 26;
constexpr Oid kFloat4 = 700;
constexpr Oid kFloat8 = 701;

template <typename Number>
SqlValue number_from(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size())
    throw SqlError("PostgreSQL sent \"" + std::string(text) + "\" for a number", "kinbox_type");
  return number;
}

SqlValue bytes_from(const char* text) {
  using Unescaped = std::unique_ptr<unsigned char, Destroy<PQfreemem>>;
  std::size_t size = 0;
  const Unescaped bytes(PQunescapeBytea(reinterpret_cast<const unsigned char*>(text), &size));
  if (!bytes) throw std::bad_alloc();
  const auto* data = reinterpret_cast<const std::byte*>(bytes.get());
  return ByteVector(data, data + size);
}

SqlValue value_from(Oid type, const char* text, std::size_t size) {
  switch (type) {
    case kBool:
      return *text == 't';
    case kInt2:
    case kInt4:
    case kInt8:
    case kOid:
      return number_from<std::int64_t>({text, size});
    case kFloat4:
    case kFloat8:
      return number_from<double>({text, size});
    case kBytea:
      return bytes_from(text);
    default:
      return std::string(text, size);
  }
}

}  // namespace

Rows rows_from(const PGresult& result) {
  const int columns = PQnfields(&result);
  const int rows = PQntuples(&result);
  std::vector<std::string> names;
  for (int column = 0; column < columns; ++column) names.emplace_back(PQfname(&result, column));
  std::vector<SqlValue> values;
  values.reserve(static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns));
  for (int row = 0; row < rows; ++row)
    for (int column = 0; column < columns; ++column) {
      if (PQgetisnull(&result, row, column) != 0)
        values.emplace_back();
      else
        values.push_back(value_from(PQftype(&result, column), PQgetvalue(&result, row, column),
                                    static_cast<std::size_t>(PQgetlength(&result, row, column))));
    }
  return {std::move(names), std::move(values)};
}

std::int64_t affected_rows(PGresult& result) {
  const std::string_view tag = PQcmdStatus(&result);
  if (!tag.starts_with("INSERT") && !tag.starts_with("UPDATE") && !tag.starts_with("DELETE") &&
      !tag.starts_with("MERGE"))
    return 0;
  return std::get<std::int64_t>(number_from<std::int64_t>(PQcmdTuples(&result)));
}

}  // namespace kinbox::postgres
