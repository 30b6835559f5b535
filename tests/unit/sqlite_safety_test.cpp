#include <gmock/gmock.h>

#include "kinbox/errors.hpp"
#include "sqlite/safety.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_database.hpp"

namespace kinbox::sqlite {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

class SqliteSafety : public ::testing::Test {
 protected:
  SqliteSafety() { testing::migrate(*database_); }

  /// Rebuilds `table` with `from` replaced by `to` in its definition, as a careless hand would.
  void alter(const std::string& table, const std::string& from, const std::string& to) {
    const auto tx = database_->begin();
    auto definition =
        tx->query("SELECT sql FROM sqlite_master WHERE name = $1", table)[0].get<std::string>(0);
    const auto at = definition.find(from);
    ASSERT_NE(at, std::string::npos) << definition;
    definition.replace(at, from.size(), to);
    database_->run_script(*tx, "DROP TABLE " + table + ";" + definition);
    tx->commit();
  }
  void expect_refusal(const std::string& words) {
    EXPECT_THAT([&] { database_->refuse_unsafe(); }, ThrowsMessage<RefusedError>(HasSubstr(words)));
  }

  testing::TemporaryDirectory directory_;
  std::unique_ptr<Database> database_ = open({.path = (directory_ / "test.db").string()});
};

TEST_F(SqliteSafety, WhatTheMigrationsMakeIsSafe) {
  EXPECT_NO_THROW(database_->refuse_unsafe());
  EXPECT_NO_THROW(database_->begin()) << "refuse_unsafe left its transaction open";
}

TEST_F(SqliteSafety, AnInboxWithoutItsKeyIsRefused) {
  alter("processed_events", "PRIMARY KEY (consumer, event_id)", "CHECK (1)");
  expect_refusal("processed_events");
}

TEST_F(SqliteSafety, AWiderKeyIsRefused) {
  alter("processed_events", "PRIMARY KEY (consumer, event_id)",
        "PRIMARY KEY (consumer, event_id, partition)");
  expect_refusal("processed_events");
}

TEST_F(SqliteSafety, APartialKeyIsRefused) {
  alter("processed_events", "PRIMARY KEY (consumer, event_id)", "CHECK (1)");
  const auto tx = database_->begin();
  database_->run_script(*tx,
                        "CREATE UNIQUE INDEX almost ON processed_events (consumer, event_id) WHERE "
                        "partition > 0");
  tx->commit();
  expect_refusal("processed_events");
}

TEST_F(SqliteSafety, AnIndexThatIsNotUniqueIsRefused) {
  alter("processed_events", "PRIMARY KEY (consumer, event_id)", "CHECK (1)");
  const auto tx = database_->begin();
  database_->run_script(*tx, "CREATE INDEX almost ON processed_events (consumer, event_id)");
  tx->commit();
  expect_refusal("processed_events");
}

TEST_F(SqliteSafety, AUniqueIndexInPlaceOfTheKeyIsAccepted) {
  alter("processed_events", "PRIMARY KEY (consumer, event_id)", "UNIQUE (consumer, event_id)");
  EXPECT_NO_THROW(database_->refuse_unsafe());
}

TEST_F(SqliteSafety, AKeyThatFoldsCaseIsRefused) {
  alter("processed_events", "event_id      TEXT NOT NULL", "event_id TEXT COLLATE NOCASE NOT NULL");
  expect_refusal("processed_events");
}

TEST_F(SqliteSafety, AnIdThatMayBeNullIsRefused) {
  alter("processed_events", "event_id      TEXT NOT NULL", "event_id TEXT");
  // In a STRICT table PRIMARY KEY says NOT NULL by itself.
  EXPECT_NO_THROW(database_->refuse_unsafe());
  alter("processed_events", "PRIMARY KEY (consumer, event_id)", "UNIQUE (consumer, event_id)");
  expect_refusal("processed_events");
}

TEST_F(SqliteSafety, AnIdKeptAsNumberIsRefused) {
  alter("processed_events", "event_id      TEXT NOT NULL", "event_id ANY NOT NULL");
  expect_refusal("processed_events");
}

TEST_F(SqliteSafety, PositionsWithoutTheirKeyAreRefused) {
  alter("consumer_progress", "PRIMARY KEY (consumer, topic, partition)", "CHECK (1)");
  expect_refusal("consumer_progress");
}

TEST_F(SqliteSafety, DeadLettersWithoutTheirKeyAreRefused) {
  alter("letters", "UNIQUE (consumer, topic, topic_id, partition, record_offset)", "CHECK (1)");
  expect_refusal("letters");
}

TEST_F(SqliteSafety, AMissingTableIsRefused) {
  const auto tx = database_->begin();
  database_->run_script(*tx, "DROP TABLE processed_events");
  tx->commit();
  expect_refusal("processed_events");
}

TEST_F(SqliteSafety, AProgressTableWithoutTheGuardIsRefused) {
  alter("consumer_progress",
        "CONSTRAINT only_the_dispatcher_commits FOREIGN KEY (open_batch)\n    REFERENCES "
        "no_open_batch (id) DEFERRABLE INITIALLY DEFERRED,",
        "");
  expect_refusal("open_batch");
}

TEST_F(SqliteSafety, AGuardThatHoldsARowIsRefused) {
  alter("no_open_batch", "CHECK (0)", "");
  const auto tx = database_->begin();
  tx->execute("INSERT INTO no_open_batch VALUES (1)");
  tx->commit();
  expect_refusal("no_open_batch");
}

TEST(SqliteFileSystem, NetworkFileSystemsAreRefusedByName) {
  EXPECT_THAT([] { refuse_network_file_system("/mnt/x.db", 0x6969); },
              ThrowsMessage<RefusedError>(::testing::AllOf(HasSubstr("NFS"), HasSubstr("/mnt/x.db"),
                                                           HasSubstr("PostgreSQL"))));
  constexpr long kExt4 = 0xef53;
  EXPECT_NO_THROW(refuse_network_file_system("/mnt/x.db", kExt4));
}

TEST(SqliteFileSystem, TheFileSystemOfAPathIsTold) {
  constexpr long kProc = 0x9fa0;
  EXPECT_EQ(file_system_of("/proc/self/status"), kProc);
  EXPECT_EQ(file_system_of("/nowhere/at/all"), 0);
}

}  // namespace
}  // namespace kinbox::sqlite
