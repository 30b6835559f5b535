#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>

#include "kinbox/errors.hpp"
#include "kinbox/sqlite/database.hpp"
#include "kinbox/sqlite/native.hpp"
#include "sqlite/writer_gate.hpp"
#include "support/eventually.hpp"
#include "support/temporary_directory.hpp"

namespace kinbox::sqlite {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

constexpr auto kReadable = static_cast<std::filesystem::perms>(0444);
constexpr auto kSearchable = static_cast<std::filesystem::perms>(0555);
constexpr auto kInsert = "INSERT INTO t VALUES ($1)";

class SqliteConnection : public ::testing::Test {
 protected:
  std::unique_ptr<Database> open_here(milliseconds lock_timeout = std::chrono::seconds(10)) {
    return sqlite::open({.path = path_, .lock_timeout = lock_timeout});
  }
  /// As another process would come to it: past the gate.
  SQLite::Database stranger() { return {path_, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, 0}; }
  std::int64_t count() {
    auto other = stranger();
    return other.execAndGet("SELECT count(*) FROM t").getInt64();
  }
  void make_table() { stranger().exec("CREATE TABLE t (id INTEGER PRIMARY KEY)"); }

  testing::TemporaryDirectory directory_;
  std::string path_ = (directory_ / "test.db").string();
};

/// A setting of the driver's own connection, past its authorizer.
std::string setting(Database& database, const std::string& name) {
  const auto tx = database.begin();
  auto& connection = native(*tx);
  sqlite3_set_authorizer(connection.getHandle(), nullptr, nullptr);
  return connection.execAndGet("PRAGMA " + name).getString();
}

/// Runs `text` on every connection of this process as soon as it is opened, until it goes.
class OnEveryOpen {
 public:
  explicit OnEveryOpen(const char* text) {
    text_ = text;
    sqlite3_auto_extension(entry());
  }
  ~OnEveryOpen() { sqlite3_cancel_auto_extension(entry()); }

 private:
  static void (*entry())() { return reinterpret_cast<void (*)()>(&run); }
  static int run(sqlite3* db, const char**, const void*) {
    return sqlite3_exec(db, text_, nullptr, nullptr, nullptr);
  }
  static inline const char* text_ = nullptr;
};

/// An ordinary user for a while: root may write to everything.
class AsNobody {
 public:
  AsNobody() { is_root_ = geteuid() == 0 && seteuid(65534) == 0; }
  ~AsNobody() {
    if (is_root_ && seteuid(0) != 0) std::abort();
  }

 private:
  bool is_root_ = false;
};

TEST_F(SqliteConnection, HasWhatThePromiseNeedsWhateverTheDefaultsAre) {
  const OnEveryOpen careless("PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF");
  const auto database = open_here();
  EXPECT_EQ(setting(*database, "journal_mode"), "wal");
  EXPECT_EQ(setting(*database, "synchronous"), "2");
  EXPECT_EQ(setting(*database, "foreign_keys"), "1");
  EXPECT_EQ(setting(*database, "cache_size"), "-16384");
  const auto second = open_here();
  EXPECT_EQ(setting(*second, "synchronous"), "2");
  EXPECT_EQ(setting(*second, "foreign_keys"), "1");
}

TEST_F(SqliteConnection, ASettingThatDoesNotHoldIsRefused) {
  // Inside a transaction PRAGMA foreign_keys does nothing, and says nothing.
  const OnEveryOpen open_transaction("BEGIN");
  EXPECT_THAT(
      [&] { open_here()->begin(); },
      ThrowsMessage<RefusedError>(AllOf(HasSubstr("foreign_keys"), HasSubstr("\"1\" is needed"))));
}

TEST_F(SqliteConnection, AFileSystemWithoutSharedMemoryIsRefused) {
  auto* usual = sqlite3_vfs_find(nullptr);
  // Its files have no shared memory, as on file systems where mmap fails.
  sqlite3_vfs_register(sqlite3_vfs_find("unix-none"), 1);
  EXPECT_THAT([&] { open_here()->begin(); },
              ThrowsMessage<RefusedError>(AllOf(HasSubstr(path_), HasSubstr("journal_mode"))));
  sqlite3_vfs_register(usual, 1);
}

TEST_F(SqliteConnection, SettingsThatChangedLaterAreRefused) {
  const auto database = open_here();
  auto& connection = native(*database->begin());
  sqlite3_db_config(connection.getHandle(), SQLITE_DBCONFIG_ENABLE_FKEY, 0, nullptr);
  EXPECT_THAT([&] { database->refuse_unsafe(); },
              ThrowsMessage<RefusedError>(HasSubstr("foreign_keys")));
}

TEST_F(SqliteConnection, AReadOnlyFileIsRefused) {
  make_table();
  std::filesystem::permissions(directory_.path(), std::filesystem::perms::all);
  std::filesystem::permissions(path_, kReadable);
  const AsNobody nobody;
  EXPECT_THAT([&] { open_here()->begin(); },
              ThrowsMessage<RefusedError>(AllOf(HasSubstr(path_), HasSubstr("read-only"))));
}

TEST_F(SqliteConnection, AReadOnlyDirectoryIsRefused) {
  make_table();
  std::filesystem::permissions(directory_.path(), kSearchable);
  std::filesystem::permissions(path_, std::filesystem::perms::all);
  const AsNobody nobody;
  EXPECT_THAT([&] { open_here()->begin(); },
              ThrowsMessage<RefusedError>(AllOf(HasSubstr(path_), HasSubstr("directory"))));
}

TEST_F(SqliteConnection, AFileThatIsNoDatabaseIsRefused) {
  std::ofstream(path_) << std::string(5000, 'x');
  EXPECT_THAT([&] { open_here()->begin(); },
              ThrowsMessage<RefusedError>(AllOf(HasSubstr(path_), HasSubstr("not a database"))));
}

TEST_F(SqliteConnection, AMissingDirectoryIsInfrastructure) {
  const auto database = sqlite::open({.path = (directory_ / "no/test.db").string()});
  EXPECT_THAT([&] { database->begin(); },
              ThrowsMessage<InfrastructureError>(HasSubstr("no/test.db")));
}

TEST_F(SqliteConnection, WithoutCreateAMissingFileStaysMissing) {
  const auto database = sqlite::open({.path = path_, .create = false});
  EXPECT_THROW(database->begin(), InfrastructureError);
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(SqliteConnection, NothingIsTouchedBeforeTheFirstUse) {
  const auto make = factory({.path = path_});
  const auto database = make();
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(SqliteConnection, PathsThatCannotWorkAreConfigurationErrors) {
  EXPECT_THROW(sqlite::open({.path = ""}), ConfigurationError);
  EXPECT_THAT([] { sqlite::open({.path = "file:x?mode=memory&cache=shared"}); },
              ThrowsMessage<ConfigurationError>(HasSubstr("plain path")));
}

TEST_F(SqliteConnection, MemoryIsADatabaseOfItsOwn) {
  const auto database = sqlite::open({.path = ":memory:"});
  auto tx = database->begin();
  tx->execute("CREATE TABLE t (id INTEGER PRIMARY KEY)");
  tx->commit();
  EXPECT_TRUE(database->begin()->query("SELECT * FROM t").empty());
  // Not even a gate is shared.
  tx = database->begin();
  EXPECT_THROW(sqlite::open({.path = ":memory:"})->begin()->query("SELECT * FROM t"), SqlError);
}

TEST_F(SqliteConnection, BeginTakesTheWritersLockAtOnce) {
  make_table();
  const auto database = open_here();
  const auto tx = database->begin();
  auto other = stranger();
  EXPECT_THROW(other.exec("BEGIN IMMEDIATE"), SQLite::Exception);
}

TEST_F(SqliteConnection, AStrangersLockIsWaitedForButNotForEver) {
  make_table();
  auto other = stranger();
  other.exec("BEGIN IMMEDIATE");
  const auto hasty = open_here(milliseconds(50));
  EXPECT_THAT([&] { hasty->begin(); },
              ThrowsMessage<InfrastructureError>(HasSubstr("SQLITE_BUSY")));
  const auto patient = open_here();
  auto begun = std::async(std::launch::async, [&] { patient->begin()->commit(); });
  EXPECT_EQ(begun.wait_for(milliseconds(50)), std::future_status::timeout);
  other.exec("COMMIT");
  EXPECT_NO_THROW(begun.get());
  EXPECT_NO_THROW(hasty->begin());
}

TEST_F(SqliteConnection, ConnectionsOfOneProcessQueueAtTheGate) {
  make_table();
  const auto gate = WriterGate::of(std::filesystem::canonical(path_).string());
  auto turn = gate->enter(std::chrono::steady_clock::now());
  // SQLite's own lock is free.
  EXPECT_THAT([&] { open_here(milliseconds(50))->begin(); },
              ThrowsMessage<InfrastructureError>(HasSubstr("turn")));
  turn.give_back();
  EXPECT_NO_THROW(open_here(milliseconds(50))->begin());
}

TEST_F(SqliteConnection, OneFileUnderTwoNamesHasOneGate) {
  make_table();
  const auto link = (directory_ / "link.db").string();
  std::filesystem::create_symlink(path_, link);
  const auto gate = WriterGate::of(std::filesystem::canonical(path_).string());
  const auto turn = gate->enter(std::chrono::steady_clock::now());
  EXPECT_THROW(sqlite::open({.path = link, .lock_timeout = milliseconds(50)})->begin(),
               InfrastructureError);
}

TEST_F(SqliteConnection, TheTurnEndsWithTheTransactionNotWithItsObject) {
  make_table();
  const auto first = open_here();
  const auto second = open_here(milliseconds(50));
  const auto committed = first->begin();
  EXPECT_THROW(second->begin(), InfrastructureError);
  committed->commit();
  EXPECT_NO_THROW(second->begin());
  const auto rolled_back = first->begin();
  rolled_back->rollback();
  EXPECT_NO_THROW(second->begin());
}

TEST_F(SqliteConnection, TheTurnEndsWhenCommitFails) {
  make_table();
  const auto first = open_here();
  const auto tx = first->begin();
  EXPECT_THROW(tx->execute("BROKEN"), SqlError);
  EXPECT_THROW(tx->commit(), SqlError);
  EXPECT_NO_THROW(open_here(milliseconds(50))->begin());
}

TEST_F(SqliteConnection, AWriterThatBeginsAgainAtOnceDoesNotStarveAWaiter) {
  make_table();
  const auto gate = WriterGate::of(std::filesystem::canonical(path_).string());
  const auto busy = open_here();
  auto tx = busy->begin();
  std::atomic<bool> served = false;
  std::thread waiter([&] {
    const auto database = open_here();
    const auto mine = database->begin();
    served = true;
  });
  ASSERT_TRUE(testing::eventually([&] { return gate->waiting() == 1; }));
  tx->commit();
  tx = busy->begin();
  EXPECT_TRUE(served);
  waiter.join();
}

TEST_F(SqliteConnection, AFileThatMovedAwayIsNotWrittenTo) {
  make_table();
  const auto database = open_here();
  database->begin()->commit();
  std::filesystem::rename(path_, path_ + ".old");
  EXPECT_THROW(database->begin(), InfrastructureError);
  EXPECT_FALSE(std::filesystem::exists(path_)) << "a new, empty file would forget everything";
}

TEST_F(SqliteConnection, ARestoredFileIsFoundAgain) {
  make_table();
  const auto database = open_here();
  auto tx = database->begin();
  tx->execute(kInsert, 1);
  tx->commit();
  std::filesystem::rename(path_, path_ + ".old");
  std::filesystem::remove(path_ + "-wal");
  std::filesystem::remove(path_ + "-shm");
  make_table();
  tx = database->begin();
  EXPECT_TRUE(tx->query("SELECT * FROM t").empty());
}

TEST_F(SqliteConnection, WhatWouldBeRefusedAtStartIsWaitedForLater) {
  make_table();
  const auto database = open_here();
  database->begin()->commit();
  std::filesystem::rename(path_, path_ + ".old");
  std::ofstream(path_) << std::string(5000, 'x');
  EXPECT_THAT([&] { database->begin(); },
              ThrowsMessage<InfrastructureError>(HasSubstr("not a database")));
}

/// No file of this process can grow beyond `bytes`, until it goes.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : previous_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit now{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &now);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, previous_);
  }

 private:
  void (*previous_)(int);
  rlimit before_{};
};

TEST_F(SqliteConnection, AnIoErrorAtCommitStoresNothingAndTheNextBeginReconnects) {
  make_table();
  const auto database = open_here();
  database->begin()->commit();
  const sqlite3* before = native(*database->begin()).getHandle();
  {
    const auto tx = database->begin();
    for (int i = 0; i < 1000; ++i) tx->execute(kInsert, i);
    const FileSizeLimit limit(16'000);
    EXPECT_THAT([&] { tx->commit(); },
                ThrowsMessage<InfrastructureError>(HasSubstr("SQLITE_IOERR")));
  }
  EXPECT_EQ(count(), 0);
  const auto tx = database->begin();
  tx->execute(kInsert, 1);
  tx->commit();
  EXPECT_EQ(count(), 1);
  EXPECT_NE(native(*database->begin()).getHandle(), before);
}

}  // namespace
}  // namespace kinbox::sqlite
