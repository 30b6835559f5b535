#include "libpq_session.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/services.hpp"

namespace kinbox::bench {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;

class BenchSession : public ::testing::Test {
 protected:
  void SetUp() override {
    KINBOX_REQUIRE_POSTGRES();
    Task task;
    task.location = kinbox::testing::PostgresService::get().uri();
    task.schema = "pg_temp";
    session_ = std::make_unique<LibpqSession>(task);
    session_->run("CREATE TEMPORARY TABLE numbers (n integer PRIMARY KEY)");
    session_->prepare("begin", "BEGIN");
    session_->prepare("insert", "INSERT INTO numbers VALUES ($1)");
    session_->prepare("count", "SELECT count(*) FROM numbers");
    session_->prepare("commit", "COMMIT");
  }

  std::string count() { return PQgetvalue(session_->run_prepared("count", {}).get(), 0, 0); }

  std::unique_ptr<LibpqSession> session_;
};

TEST_F(BenchSession, ACommitThatStoresNothingIsReported) {
  session_->run("BEGIN");
  EXPECT_THROW(session_->run_prepared("insert", {"none"}), std::runtime_error);
  EXPECT_THAT([&] { require_commit(session_->run_prepared("commit", {})); },
              ThrowsMessage<std::runtime_error>(HasSubstr("answered with ROLLBACK")));
}

TEST_F(BenchSession, APipelinesStatementsAreAnsweredInOrder) {
  LibpqPipeline pipeline(*session_);
  pipeline.send("begin", {});
  for (const auto* n : {"1", "2"}) pipeline.send("insert", {n});
  pipeline.send("count", {});
  pipeline.send("commit", {});
  const auto results = pipeline.finish();
  ASSERT_THAT(results, SizeIs(5));
  EXPECT_EQ(affected(results[1]), "1");
  EXPECT_STREQ(PQgetvalue(results[3].get(), 0, 0), "2");
  require_commit(results[4]);
  EXPECT_EQ(count(), "2");
}

TEST_F(BenchSession, APipelineThatFailsIsReported) {
  LibpqPipeline pipeline(*session_);
  pipeline.send("begin", {});
  for (const auto* n : {"1", "1", "2"}) pipeline.send("insert", {n});
  pipeline.send("commit", {});
  EXPECT_THAT([&] { pipeline.finish(); },
              ThrowsMessage<std::runtime_error>(HasSubstr("duplicate key")));
}

TEST_F(BenchSession, APipelineMayBeLongerThanTheSocketsBuffers) {
  LibpqPipeline pipeline(*session_);
  for (int n = 0; n < 100'000; ++n) pipeline.send("insert", {std::to_string(n)});
  EXPECT_THAT(pipeline.finish(), SizeIs(100'000));
  EXPECT_EQ(count(), "100000");
}

}  // namespace
}  // namespace kinbox::bench
