#include <gmock/gmock.h>

#include "kinbox/errors.hpp"
#include "support/test_database.hpp"

namespace kinbox::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class TransactionContract : public DatabaseContract {
 protected:
  void prepare() override {
    DatabaseContract::prepare();
    script("CREATE TABLE {kinbox}.orders (id BIGINT PRIMARY KEY, note TEXT)");
    insert_ = sql("INSERT INTO {kinbox}.orders (id, note) VALUES ($1, $2)");
  }

  std::string sql(std::string_view text) { return database().dialect().render(text); }
  std::int64_t orders() { return number("SELECT count(*) FROM {kinbox}.orders"); }

  std::string insert_;
};

TEST_P(TransactionContract, CommitMakesEverythingVisibleTogether) {
  const auto tx = database().begin();
  tx->execute(insert_, 1, "one");
  tx->execute(insert_, 2, "two");
  tx->commit();
  EXPECT_EQ(orders(), 2);
}

TEST_P(TransactionContract, DestructionWithoutCommitStoresNothing) {
  database().begin()->execute(insert_, 1, "one");
  EXPECT_EQ(orders(), 0);
}

}  // namespace

KINBOX_FOR_ALL_DATABASES(TransactionContract);

}  // namespace kinbox::testing
