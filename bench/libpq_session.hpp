#pragma once

#include <libpq-fe.h>

#include <initializer_list>
#include <memory>
#include <string>

#include "task.hpp"

namespace kinbox::bench {

/// A PostgreSQL connection as code that uses libpq directly has it. Errors throw
/// std::runtime_error.
class LibpqSession {
 public:
  struct Clear {
    void operator()(PGresult* result) const noexcept { PQclear(result); }
  };
  using Result = std::unique_ptr<PGresult, Clear>;
  struct Param {
    Param(const std::string& text) : value(text.c_str()) {}  // NOLINT: arguments written plainly
    Param(const char* text) : value(text) {}                 // NOLINT
    const char* value;
  };

  /// Unqualified names are those of the task's schema.
  explicit LibpqSession(const Task& task);

  void run(const char* sql);
  void prepare(const char* name, const char* sql);
  Result run_prepared(const char* name, std::initializer_list<Param> params);

 private:
  struct Finish {
    void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
  };
  Result checked(PGresult* result);

  std::unique_ptr<PGconn, Finish> connection_;
};

/// Rows that an INSERT, UPDATE or DELETE touched.
inline std::string affected(const LibpqSession::Result& result) {
  return PQcmdTuples(result.get());
}

}  // namespace kinbox::bench
