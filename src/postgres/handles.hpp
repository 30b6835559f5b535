#pragma once

#include <libpq-fe.h>

#include <memory>

namespace kinbox::postgres {

template <auto destroy>
struct Destroy {
  template <typename T>
  void operator()(T* handle) const noexcept {
    destroy(handle);
  }
};

using ConnectionHandle = std::unique_ptr<PGconn, Destroy<PQfinish>>;
using ResultHandle = std::unique_ptr<PGresult, Destroy<PQclear>>;

}  // namespace kinbox::postgres
