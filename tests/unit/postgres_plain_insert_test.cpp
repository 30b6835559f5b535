// Which statements are plain inserts, and what becomes of them.
#include <gmock/gmock.h>

#include "postgres/plain_insert.hpp"

namespace kinbox::postgres {
namespace {

using ::testing::ElementsAre;

TEST(PlainInsert, IsReadInPartsAsWritten) {
  const auto insert = parse_plain_insert(
      " insert INTO shop.\"Orders\"\n(id, note) VALUES ( $2 ,$1) ON CONFLICT (id) DO NOTHING; ");
  ASSERT_TRUE(insert);
  EXPECT_EQ(insert->table, "shop.\"Orders\"");
  EXPECT_EQ(insert->columns, "id, note");
  EXPECT_THAT(insert->parameters, ElementsAre(2, 1));
  EXPECT_EQ(insert->on_conflict, "ON CONFLICT (id) DO NOTHING");
}

TEST(PlainInsert, BecomesOneStatementOfArrays) {
  const auto insert = parse_plain_insert("INSERT INTO t (b, a) VALUES ($2, $1)");
  ASSERT_TRUE(insert);
  EXPECT_EQ(insert_from_arrays(*insert, {"integer[]", "text[]"}),
            "INSERT INTO t (b, a) SELECT p.p2, p.p1 "
            "FROM unnest($1::integer[], $2::text[]) AS p (p1, p2) ");
}

class NoPlainInsert : public ::testing::TestWithParam<const char*> {};

TEST_P(NoPlainInsert, IsLeftAlone) { EXPECT_FALSE(parse_plain_insert(GetParam())); }

INSTANTIATE_TEST_SUITE_P(
    Statements, NoPlainInsert,
    ::testing::Values("", "SELECT 1", "UPDATE t SET a = $1", "INSERT INTO t VALUES ($1)",
                      "INSERT INTO t (a) SELECT $1", "INSERT INTO t (a) VALUES ($1) RETURNING a",
                      "INSERT INTO t (a) VALUES ($1), ($2)", "INSERT INTO t (a) VALUES (now())",
                      "INSERT INTO t (a) VALUES ($1::int)", "INSERT INTO t (a, b) VALUES ($1, 7)",
                      "INSERT INTO t (a, b) VALUES ($1, $1)", "INSERT INTO t (a) VALUES ($2)",
                      "INSERT INTO t (a) VALUES ($1,)", "INSERT INTO t (a, b) VALUES ($1 $2)",
                      "INSERT INTO t (a) VALUES ($1) ON CONFLICT (a) DO UPDATE SET a = 1",
                      "INSERT INTO t (a) VALUES ($1) ON CONFLICT (a) WHERE a > $2 DO NOTHING",
                      "INSERT INTO t (a) VALUES ($1) ON CONFLICT DO NOTHING RETURNING a",
                      "INSERT INTO t (a) OVERRIDING SYSTEM VALUE VALUES ($1)",
                      "INSERT INTO t AS x (a) VALUES ($1)", "INSERT INTO t () VALUES ($1)",
                      "INSERT INTO t (a) VALUES ($1); DELETE FROM t",
                      "INSERT INTO t (a) VALUES ($99999999999)",
                      "/* apart */ INSERT INTO t (a) VALUES ($1)",
                      "INSERT INTO t (a) VALUES ($1) -- apart"));

TEST(PlainInsert, HasALengthThatCanBeLookedAt) {
  EXPECT_FALSE(
      parse_plain_insert("INSERT INTO t (a" + std::string(100'000, 'a') + ") VALUES ($1)"));
}

}  // namespace
}  // namespace kinbox::postgres
