#include "support/postgres_server.hpp"

#include <gmock/gmock.h>

#include "kinbox/errors.hpp"
#include "kinbox/postgres/database.hpp"
#include "support/postgres_test_database.hpp"
#include "support/services.hpp"

namespace kinbox::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Throws;
using ::testing::ThrowsMessage;

/// What takes a server of one's own.
class OwnPostgres : public ::testing::Test {
 protected:
  void SetUp() override {
    KINBOX_REQUIRE_POSTGRES();
    server_ = std::make_unique<PostgresServer>();
    postgres::Options options;
    options.uri = server_->uri();
    database_ = postgres::factory(options)();
  }

  void expect_refused(const std::string& what, const std::string& way_out) {
    EXPECT_THAT([&] { database_->refuse_unsafe(); },
                ThrowsMessage<RefusedError>(AllOf(HasSubstr(what), HasSubstr(way_out))));
  }

  std::unique_ptr<PostgresServer> server_;
  std::unique_ptr<Database> database_;
};

TEST_F(OwnPostgres, WithoutFsyncIsRefused) {
  server_->configure("fsync = off");
  server_->restart();
  expect_refused("fsync=off", "Set fsync=on");
}

TEST_F(OwnPostgres, AsAStandbyIsRefused) {
  server_->become_standby();
  server_->restart();
  expect_refused("is a standby", "target_session_attrs=read-write");
  // A primary that became a standby while kinbox runs: wait for it, or for another primary.
  EXPECT_THAT([&] { database_->begin()->flush(); },
              ThrowsMessage<InfrastructureError>(HasSubstr("cannot begin a transaction")));
}

TEST_F(OwnPostgres, AfterACrashHasWhatWasCommittedAndIsUsedAgain) {
  migrate(*database_);
  const auto insert = [](OpenTransaction& tx, const char* name) {
    tx.execute("INSERT INTO kinbox.consumers (name, group_id) VALUES ($1, '')", name);
  };
  {
    const auto tx = database_->begin();
    insert(*tx, "committed");
    tx->commit();
  }
  {
    const auto tx = database_->begin();
    insert(*tx, "open");
    server_->stop_immediately();
    EXPECT_THAT(
        [&] {
          insert(*tx, "lost");
          tx->flush();
        },
        Throws<InfrastructureError>());
  }
  EXPECT_THAT([&] { database_->begin(); },
              ThrowsMessage<InfrastructureError>(HasSubstr("Connection refused")));
  server_->start();
  const auto tx = database_->begin();
  EXPECT_EQ(tx->query("SELECT string_agg(name, ' ') FROM kinbox.consumers")[0].get<std::string>(0),
            "committed");
}

}  // namespace
}  // namespace kinbox::testing
