#pragma once

#include <libpq-fe.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

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
  using Params = std::initializer_list<Param>;

  /// Unqualified names are those of the task's schema.
  explicit LibpqSession(const Task& task);

  void run(const char* sql);
  void prepare(const char* name, const char* sql);
  Result run_prepared(const char* name, Params params);

  PGconn* handle() const noexcept { return connection_.get(); }
  Result checked(PGresult* result);

 private:
  struct Finish {
    void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
  };

  std::unique_ptr<PGconn, Finish> connection_;
};

/// Prepared statements that travel together: one round trip for all.
class LibpqPipeline {
 public:
  /// `session` runs nothing else until `finish`.
  explicit LibpqPipeline(LibpqSession& session);

  void send(const char* name, LibpqSession::Params params);
  /// One result for each statement, in order. The first that failed throws.
  std::vector<LibpqSession::Result> finish();

 private:
  void require(int good);

  LibpqSession& session_;
  std::size_t sent_ = 0;
};

/// Rows that an INSERT, UPDATE or DELETE touched.
inline std::string affected(const LibpqSession::Result& result) {
  return PQcmdTuples(result.get());
}

/// Throws unless `result`, a COMMIT's, is one: the answer ROLLBACK has stored nothing, and is no
/// error to libpq.
void require_commit(const LibpqSession::Result& result);

}  // namespace kinbox::bench
