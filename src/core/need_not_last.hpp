#pragma once

#include "kinbox/transaction.hpp"

namespace kinbox {

/// What is kept over the end of a process need not be kept over that of the server: COMMIT of `tx`
/// does not wait for its disk.
inline void need_not_last(OpenTransaction& tx) {
  if (tx.dialect().backend() == Backend::kPostgres)
    tx.execute("SET LOCAL synchronous_commit = off");
}

}  // namespace kinbox
