#include "sqlite/authorizer.hpp"

#include <sqlite3.h>

#include <utility>

namespace kinbox::sqlite {
namespace {

/// The statement's name if handlers may not run it, else null. `argument` is the authorizer's
/// first.
const char* forbidden(int action, const char* argument) {
  switch (action) {
    case SQLITE_TRANSACTION:
      return argument;  // "BEGIN", "COMMIT", "ROLLBACK"
    case SQLITE_ATTACH:
      return "ATTACH";
    case SQLITE_DETACH:
      return "DETACH";
    case SQLITE_PRAGMA:
      return "PRAGMA";
    default:
      return nullptr;
  }
}

}  // namespace

void Authorizer::install(sqlite3* db) { sqlite3_set_authorizer(db, &Authorizer::decide, this); }

std::string Authorizer::take_denied() { return std::exchange(denied_, {}); }

int Authorizer::decide(void* self, int action, const char* first, const char*, const char*,
                       const char*) {
  auto& authorizer = *static_cast<Authorizer*>(self);
  if (authorizer.permitted_) return SQLITE_OK;
  const char* name = forbidden(action, first);
  if (name == nullptr) return SQLITE_OK;
  authorizer.denied_ = name;
  return SQLITE_DENY;
}

}  // namespace kinbox::sqlite
