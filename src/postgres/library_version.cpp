#include <libpq-fe.h>

#include "kinbox/postgres/database.hpp"

namespace kinbox::postgres {

// PQlibVersion() is 150008 for 15.8.
std::string library_version() {
  constexpr int kMajor = 10'000;
  return std::to_string(PQlibVersion() / kMajor) + '.' + std::to_string(PQlibVersion() % kMajor);
}

}  // namespace kinbox::postgres
