#include "libpq_session.hpp"

#include <array>
#include <stdexcept>
#include <string_view>

namespace kinbox::bench {
namespace {

using Values = std::array<const char*, 8>;

int fill(Values& values, LibpqSession::Params params) {
  std::size_t count = 0;
  for (const auto& param : params) values.at(count++) = param.value;
  return static_cast<int>(count);
}

}  // namespace

LibpqSession::LibpqSession(const Task& task) : connection_(PQconnectdb(task.location.c_str())) {
  if (PQstatus(connection_.get()) != CONNECTION_OK)
    throw std::runtime_error(PQerrorMessage(connection_.get()));
  run(("SET search_path = " + task.schema).c_str());
}

void LibpqSession::run(const char* sql) { checked(PQexec(connection_.get(), sql)); }

void LibpqSession::prepare(const char* name, const char* sql) {
  checked(PQprepare(connection_.get(), name, sql, 0, nullptr));
}

LibpqSession::Result LibpqSession::run_prepared(const char* name, Params params) {
  Values values{};
  const int count = fill(values, params);
  return checked(
      PQexecPrepared(connection_.get(), name, count, values.data(), nullptr, nullptr, 0));
}

LibpqSession::Result LibpqSession::checked(PGresult* raw) {
  Result result(raw);
  const auto status = PQresultStatus(raw);
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
    throw std::runtime_error(PQerrorMessage(connection_.get()));
  return result;
}

LibpqPipeline::LibpqPipeline(LibpqSession& session) : session_(session) {
  require(PQenterPipelineMode(session_.handle()));
}

void LibpqPipeline::send(const char* name, LibpqSession::Params params) {
  Values values{};
  const int count = fill(values, params);
  // On a blocking connection libpq reads what arrives while it waits to write: no deadlock.
  require(PQsendQueryPrepared(session_.handle(), name, count, values.data(), nullptr, nullptr, 0));
  ++sent_;
}

std::vector<LibpqSession::Result> LibpqPipeline::finish() {
  auto* connection = session_.handle();
  require(PQpipelineSync(connection));
  std::vector<LibpqSession::Result> results;
  results.reserve(sent_);
  for (std::size_t i = 0; i < sent_; ++i) {
    results.push_back(session_.checked(PQgetResult(connection)));
    PQgetResult(connection);  // The null behind each statement's results.
  }
  const LibpqSession::Result sync(PQgetResult(connection));
  require(PQresultStatus(sync.get()) == PGRES_PIPELINE_SYNC && PQexitPipelineMode(connection) == 1);
  return results;
}

void LibpqPipeline::require(int good) {
  if (good != 1) throw std::runtime_error(PQerrorMessage(session_.handle()));
}

void require_commit(const LibpqSession::Result& result) {
  const std::string_view tag = PQcmdStatus(result.get());
  if (tag != "COMMIT") throw std::runtime_error("COMMIT was answered with " + std::string(tag));
}

}  // namespace kinbox::bench
