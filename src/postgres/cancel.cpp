#include "postgres/cancel.hpp"

#include <array>
#include <future>
#include <memory>
#include <thread>

namespace kinbox::postgres {
namespace {

struct FreeCancel {
  void operator()(PGcancel* request) const noexcept { PQfreeCancel(request); }
};
using CancelHandle = std::unique_ptr<PGcancel, FreeCancel>;

bool send(PGcancel* request) {
  std::array<char, 256> error{};
  return PQcancel(request, error.data(), static_cast<int>(error.size())) == 1;
}

}  // namespace

bool cancel(PGconn* connection, Deadline deadline) {
  CancelHandle request(PQgetCancel(connection));
  if (!request) return false;
  std::promise<bool> sent;
  auto answer = sent.get_future();
  // It connects, and libpq gives that no deadline: a network that is silent may keep the thread for
  // minutes, but nobody else.
  std::thread([request = std::move(request), sent = std::move(sent)]() mutable {
    sent.set_value(send(request.get()));
  }).detach();
  return answer.wait_until(deadline) == std::future_status::ready && answer.get();
}

}  // namespace kinbox::postgres
