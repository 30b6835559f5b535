#include "libpq_session.hpp"

#include <array>
#include <stdexcept>

namespace kinbox::bench {

LibpqSession::LibpqSession(const Task& task) : connection_(PQconnectdb(task.location.c_str())) {
  if (PQstatus(connection_.get()) != CONNECTION_OK)
    throw std::runtime_error(PQerrorMessage(connection_.get()));
  run(("SET search_path = " + task.schema).c_str());
}

void LibpqSession::run(const char* sql) { checked(PQexec(connection_.get(), sql)); }

void LibpqSession::prepare(const char* name, const char* sql) {
  checked(PQprepare(connection_.get(), name, sql, 0, nullptr));
}

LibpqSession::Result LibpqSession::run_prepared(const char* name,
                                                std::initializer_list<Param> params) {
  std::array<const char*, 8> values{};
  int count = 0;
  for (const auto& param : params) values.at(static_cast<std::size_t>(count++)) = param.value;
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

}  // namespace kinbox::bench
