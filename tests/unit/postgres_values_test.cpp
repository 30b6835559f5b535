#include <gtest/gtest.h>

#include "kinbox/errors.hpp"
#include "postgres/handles.hpp"
#include "postgres/parameters.hpp"
#include "postgres/result_rows.hpp"

namespace kinbox::postgres {
namespace {

std::vector<std::string> literals(std::vector<SqlParam> rows, std::size_t columns) {
  return array_literals(rows, columns);
}

TEST(PostgresArrays, AreOnePerColumn) {
  EXPECT_EQ(literals({1, "a", 2, "b"}, 2), (std::vector<std::string>{"{1,2}", "{\"a\",\"b\"}"}));
  EXPECT_EQ(literals({}, 2), (std::vector<std::string>{"{}", "{}"}));
}

TEST(PostgresArrays, QuoteTextAndNothingElse) {
  EXPECT_EQ(literals({"a\"b\\c", "NULL", nullptr, "", true, -1, 0.5}, 1)[0],
            R"({"a\"b\\c","NULL",NULL,"",true,-1,0.5})");
}

TEST(PostgresArrays, WriteBytesInHex) {
  EXPECT_EQ(literals({as_bytes(std::string_view("\0\x1f\xff", 3)), Bytes()}, 1)[0],
            R"({"\\x001fff","\\x"})");
}

TEST(PostgresParameters, BytesThatNoLengthCanTellAreRefused) {
  const std::byte first{};
  // Nobody looks behind the first.
  const std::vector<SqlParam> params{Bytes(&first, std::size_t{1} << 31)};
  EXPECT_THROW(Parameters{params}, SqlError);
}

TEST(PostgresRows, ANumberThatIsNoneIsAnErrorAndNotZero) {
  constexpr unsigned kInt4 = 23;
  const ResultHandle result(PQmakeEmptyPGresult(nullptr, PGRES_TUPLES_OK));
  char name[] = "n";
  char value[] = "12x";
  PGresAttDesc column{name, 0, 0, 0, kInt4, 4, -1};
  ASSERT_EQ(PQsetResultAttrs(result.get(), 1, &column), 1);
  ASSERT_EQ(PQsetvalue(result.get(), 0, 0, value, 3), 1);
  EXPECT_THROW(rows_from(*result), SqlError);
}

}  // namespace
}  // namespace kinbox::postgres
