#include <gtest/gtest.h>

#include "postgres/statement_cache.hpp"

namespace kinbox::postgres {
namespace {

class PostgresStatementCache : public ::testing::Test {
 protected:
  void add(const std::string& sql) { cache_.add(sql, sql + "'s name"); }

  StatementCache cache_{2};
};

TEST_F(PostgresStatementCache, GivesTheNameOfWhatItKnows) {
  EXPECT_EQ(cache_.find("a"), nullptr);
  add("a");
  ASSERT_NE(cache_.find("a"), nullptr);
  EXPECT_EQ(*cache_.find("a"), "a's name");
}

TEST_F(PostgresStatementCache, ForgetsNothingWhileThereIsRoom) {
  EXPECT_EQ(cache_.make_room(), std::nullopt);
  add("a");
  EXPECT_EQ(cache_.make_room(), std::nullopt);
}

TEST_F(PostgresStatementCache, ForgetsTheLeastRecentlyUsedWhenFull) {
  add("a");
  add("b");
  cache_.find("a");
  EXPECT_EQ(cache_.make_room(), "b's name");
  EXPECT_EQ(cache_.find("b"), nullptr);
  EXPECT_NE(cache_.find("a"), nullptr);
}

TEST_F(PostgresStatementCache, NamesAreNeverGivenTwice) {
  EXPECT_NE(cache_.next_name(), cache_.next_name());
}

}  // namespace
}  // namespace kinbox::postgres
