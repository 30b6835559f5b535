#include <gtest/gtest.h>
#include <sqlite3.h>

#include "sqlite/error_classes.hpp"

namespace kinbox::sqlite {
namespace {

TEST(SqliteErrorClasses, NobodyIsBlamedForTheDatabase) {
  for (const int code : {SQLITE_BUSY, SQLITE_BUSY_SNAPSHOT, SQLITE_LOCKED_SHAREDCACHE, SQLITE_FULL,
                         SQLITE_NOMEM, SQLITE_PROTOCOL, SQLITE_SCHEMA})
    EXPECT_EQ(class_of(code).blame, Blame::kInfrastructure) << code;
}

TEST(SqliteErrorClasses, SomeErrorsAreWorthANewConnection) {
  for (const int code :
       {SQLITE_IOERR, SQLITE_IOERR_FSYNC, SQLITE_IOERR_SHMMAP, SQLITE_CANTOPEN, SQLITE_CORRUPT})
    EXPECT_EQ(class_of(code).blame, Blame::kConnection) << code;
}

TEST(SqliteErrorClasses, SomeErrorsAreTheFilesOwn) {
  for (const int code : {SQLITE_NOTADB, SQLITE_READONLY, SQLITE_READONLY_DIRECTORY,
                         SQLITE_READONLY_ROLLBACK, SQLITE_PERM})
    EXPECT_EQ(class_of(code).blame, Blame::kFile) << code;
}

TEST(SqliteErrorClasses, TheRestIsTheStatements) {
  for (const int code : {SQLITE_ERROR, SQLITE_CONSTRAINT_UNIQUE, SQLITE_MISMATCH, SQLITE_TOOBIG,
                         SQLITE_LOCKED, SQLITE_INTERRUPT, SQLITE_RANGE})
    EXPECT_EQ(class_of(code).blame, Blame::kStatement) << code;
  EXPECT_EQ(class_of(SQLITE_AUTH).blame, Blame::kMisuse);
}

TEST(SqliteErrorClasses, AnExtendedCodeIsNamedExactlyOrByItsPrimary) {
  EXPECT_STREQ(class_of(SQLITE_CONSTRAINT_UNIQUE).name, "SQLITE_CONSTRAINT_UNIQUE");
  EXPECT_STREQ(class_of(SQLITE_IOERR_SHMMAP).name, "SQLITE_IOERR");
}

TEST(SqliteErrorClasses, ACodeOfALaterSqliteIsAnOrdinaryError) {
  EXPECT_STREQ(class_of(99).name, "SQLITE_ERROR");
  EXPECT_EQ(class_of(99).blame, Blame::kStatement);
}

}  // namespace
}  // namespace kinbox::sqlite
