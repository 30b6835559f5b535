#pragma once

#include <string>

#include "kinbox/database.hpp"
#include "kinbox/errors.hpp"

namespace kinbox {

/// Runs statements of kinbox itself. They never fail on account of an event: ids and texts are
/// checked before. If one does fail (a table is gone, a privilege is missing), no event is to blame
/// and nothing may be lost, so the failure counts as infrastructure. `what` is for people.
template <typename Call>
void own_statements(const char* what, Call call) {
  try {
    call();
  } catch (const SqlError& e) {
    throw InfrastructureError(std::string("kinbox's own statement failed (") + what +
                              "): " + e.what());
  }
}

/// The same in a transaction of its own.
template <typename Call>
void own_transaction(Database& database, const char* what, Call call) {
  own_statements(what, [&] {
    const auto tx = database.begin();
    call(*tx);
    tx->commit();
  });
}

}  // namespace kinbox
