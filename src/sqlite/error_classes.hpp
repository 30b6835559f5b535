#pragma once

#include <string>

namespace kinbox::sqlite {

/// Who an SQLite result code counts against.
enum class Blame {
  /// The statement, and so the event whose handler sent it.
  kStatement,
  /// Nobody: the database is not usable right now. The connection is still good.
  kInfrastructure,
  /// Nobody, and the connection is worth a new one.
  kConnection,
  /// Nobody, and a new connection would find the same file: no database, not writable. Refused at
  /// start, waited for later.
  kFile,
  /// The statement: it did what handlers may not.
  kMisuse,
};

struct ErrorClass {
  int code;
  const char* name;
  Blame blame;
};

/// The class of a (possibly extended) result code. An extended code without a line of its own is
/// classed, and named, as its primary code.
const ErrorClass& class_of(int result_code);

}  // namespace kinbox::sqlite
