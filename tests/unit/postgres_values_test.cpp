#include <gtest/gtest.h>

#include <optional>

#include "kinbox/errors.hpp"
#include "postgres/handles.hpp"
#include "postgres/parameters.hpp"
#include "postgres/result_rows.hpp"

namespace kinbox::postgres {
namespace {

using Texts = std::vector<std::optional<std::string>>;

Texts literals(std::vector<SqlParam> rows, std::size_t columns,
               std::vector<std::size_t> often_equal = {}) {
  const ColumnArrays arrays(rows, columns, often_equal);
  Texts texts;
  for (const auto& param : arrays.params()) {
    const auto* text = std::get_if<std::string_view>(&param.value());
    texts.push_back(text != nullptr ? std::optional(std::string(*text)) : std::nullopt);
  }
  return texts;
}

TEST(PostgresArrays, AreOnePerColumn) {
  EXPECT_EQ(literals({1, "a", 2, "b"}, 2), (Texts{"{1,2}", "{\"a\",\"b\"}"}));
  EXPECT_EQ(literals({}, 2), (Texts{"{}", "{}"}));
}

TEST(PostgresArrays, OfEqualTextsAreEmptyAndTheTextFollows) {
  const std::vector<std::size_t> both{1, 2};
  EXPECT_EQ(literals({1, "a", "x", 2, "a", "y"}, 3, both),
            (Texts{"{1,2}", "{}", R"({"x","y"})", "a", std::nullopt}));
  EXPECT_EQ(literals({1, "", "x"}, 3, both), (Texts{"{1}", "{}", "{}", "", "x"}));
}

TEST(PostgresArrays, ShareNothingButTexts) {
  EXPECT_EQ(literals({1, nullptr, 2, nullptr}, 2, {1}),
            (Texts{"{1,2}", "{NULL,NULL}", std::nullopt}));
  EXPECT_EQ(literals({1, "a", 2, nullptr}, 2, {1}), (Texts{"{1,2}", "{\"a\",NULL}", std::nullopt}));
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
