#include "sqlite/error_classes.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <array>

namespace kinbox::sqlite {
namespace {

// The table of docs and contract: which failures are retried for ever (kInfrastructure,
// kConnection, kFile) and which are attempts of the event (kStatement, kMisuse).
//
// Inside BEGIN IMMEDIATE nobody else can lock a row or a table, so plain SQLITE_LOCKED is the
// statement's own doing (DROP TABLE under an open cursor); its extended forms are other
// connections.
constexpr ErrorClass kClasses[] = {
    {SQLITE_ERROR, "SQLITE_ERROR", Blame::kStatement},
    {SQLITE_INTERNAL, "SQLITE_INTERNAL", Blame::kStatement},
    {SQLITE_PERM, "SQLITE_PERM", Blame::kFile},
    {SQLITE_ABORT, "SQLITE_ABORT", Blame::kStatement},
    {SQLITE_BUSY, "SQLITE_BUSY", Blame::kInfrastructure},
    {SQLITE_LOCKED, "SQLITE_LOCKED", Blame::kStatement},
    {SQLITE_NOMEM, "SQLITE_NOMEM", Blame::kInfrastructure},
    {SQLITE_READONLY, "SQLITE_READONLY", Blame::kFile},
    {SQLITE_INTERRUPT, "SQLITE_INTERRUPT", Blame::kStatement},
    {SQLITE_IOERR, "SQLITE_IOERR", Blame::kConnection},
    {SQLITE_CORRUPT, "SQLITE_CORRUPT", Blame::kConnection},
    {SQLITE_NOTFOUND, "SQLITE_NOTFOUND", Blame::kStatement},
    {SQLITE_FULL, "SQLITE_FULL", Blame::kInfrastructure},
    {SQLITE_CANTOPEN, "SQLITE_CANTOPEN", Blame::kConnection},
    {SQLITE_PROTOCOL, "SQLITE_PROTOCOL", Blame::kInfrastructure},
    {SQLITE_SCHEMA, "SQLITE_SCHEMA", Blame::kInfrastructure},
    {SQLITE_TOOBIG, "SQLITE_TOOBIG", Blame::kStatement},
    {SQLITE_CONSTRAINT, "SQLITE_CONSTRAINT", Blame::kStatement},
    {SQLITE_MISMATCH, "SQLITE_MISMATCH", Blame::kStatement},
    {SQLITE_MISUSE, "SQLITE_MISUSE", Blame::kStatement},
    {SQLITE_NOLFS, "SQLITE_NOLFS", Blame::kInfrastructure},
    {SQLITE_AUTH, "SQLITE_AUTH", Blame::kMisuse},
    {SQLITE_RANGE, "SQLITE_RANGE", Blame::kStatement},
    {SQLITE_NOTADB, "SQLITE_NOTADB", Blame::kFile},

    {SQLITE_BUSY_RECOVERY, "SQLITE_BUSY_RECOVERY", Blame::kInfrastructure},
    {SQLITE_BUSY_SNAPSHOT, "SQLITE_BUSY_SNAPSHOT", Blame::kInfrastructure},
    {SQLITE_BUSY_TIMEOUT, "SQLITE_BUSY_TIMEOUT", Blame::kInfrastructure},
    {SQLITE_LOCKED_SHAREDCACHE, "SQLITE_LOCKED_SHAREDCACHE", Blame::kInfrastructure},
    {SQLITE_LOCKED_VTAB, "SQLITE_LOCKED_VTAB", Blame::kInfrastructure},
    {SQLITE_ABORT_ROLLBACK, "SQLITE_ABORT_ROLLBACK", Blame::kStatement},
    {SQLITE_READONLY_DBMOVED, "SQLITE_READONLY_DBMOVED", Blame::kFile},
    {SQLITE_READONLY_DIRECTORY, "SQLITE_READONLY_DIRECTORY", Blame::kFile},
    {SQLITE_CANTOPEN_ISDIR, "SQLITE_CANTOPEN_ISDIR", Blame::kConnection},
    {SQLITE_IOERR_READ, "SQLITE_IOERR_READ", Blame::kConnection},
    {SQLITE_IOERR_SHORT_READ, "SQLITE_IOERR_SHORT_READ", Blame::kConnection},
    {SQLITE_IOERR_WRITE, "SQLITE_IOERR_WRITE", Blame::kConnection},
    {SQLITE_IOERR_FSYNC, "SQLITE_IOERR_FSYNC", Blame::kConnection},
    {SQLITE_IOERR_NOMEM, "SQLITE_IOERR_NOMEM", Blame::kInfrastructure},
    {SQLITE_CORRUPT_INDEX, "SQLITE_CORRUPT_INDEX", Blame::kConnection},

    {SQLITE_CONSTRAINT_CHECK, "SQLITE_CONSTRAINT_CHECK", Blame::kStatement},
    {SQLITE_CONSTRAINT_COMMITHOOK, "SQLITE_CONSTRAINT_COMMITHOOK", Blame::kStatement},
    {SQLITE_CONSTRAINT_DATATYPE, "SQLITE_CONSTRAINT_DATATYPE", Blame::kStatement},
    {SQLITE_CONSTRAINT_FOREIGNKEY, "SQLITE_CONSTRAINT_FOREIGNKEY", Blame::kStatement},
    {SQLITE_CONSTRAINT_FUNCTION, "SQLITE_CONSTRAINT_FUNCTION", Blame::kStatement},
    {SQLITE_CONSTRAINT_NOTNULL, "SQLITE_CONSTRAINT_NOTNULL", Blame::kStatement},
    {SQLITE_CONSTRAINT_PINNED, "SQLITE_CONSTRAINT_PINNED", Blame::kStatement},
    {SQLITE_CONSTRAINT_PRIMARYKEY, "SQLITE_CONSTRAINT_PRIMARYKEY", Blame::kStatement},
    {SQLITE_CONSTRAINT_ROWID, "SQLITE_CONSTRAINT_ROWID", Blame::kStatement},
    {SQLITE_CONSTRAINT_TRIGGER, "SQLITE_CONSTRAINT_TRIGGER", Blame::kStatement},
    {SQLITE_CONSTRAINT_UNIQUE, "SQLITE_CONSTRAINT_UNIQUE", Blame::kStatement},
    {SQLITE_CONSTRAINT_VTAB, "SQLITE_CONSTRAINT_VTAB", Blame::kStatement},
};

const ErrorClass* line_of(int code) {
  const auto* found = std::find_if(std::begin(kClasses), std::end(kClasses),
                                   [&](const ErrorClass& line) { return line.code == code; });
  return found == std::end(kClasses) ? nullptr : found;
}

}  // namespace

const ErrorClass& class_of(int result_code) {
  if (const auto* line = line_of(result_code)) return *line;
  if (const auto* line = line_of(result_code & 0xff)) return *line;
  return kClasses[0];
}

}  // namespace kinbox::sqlite
