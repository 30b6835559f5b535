#include "postgres/notification.hpp"

#include <poll.h>

#include <memory>

#include "kinbox/errors.hpp"
#include "postgres/error_classes.hpp"

namespace kinbox::postgres {
namespace {

constexpr const char* kListen = "LISTEN kinbox_outbox";

struct FreeNotification {
  void operator()(PGnotify* notification) const noexcept { PQfreemem(notification); }
};
using NotificationHandle = std::unique_ptr<PGnotify, FreeNotification>;

void listen(Connection& connection) {
  const auto result = connection.run(kListen);
  if (!succeeded(*result))
    throw_failure(*result, OpenTransaction::Origin::kFramework, connection.lost());
  connection.note_listening();
}

/// Takes all that have come; whether one is about this schema.
bool take_notifications(Connection& connection, const Dialect& dialect) {
  bool ours = false;
  while (const NotificationHandle notification{PQnotifies(connection.raw())})
    ours = ours || dialect.schema() == notification->extra;
  return ours;
}

}  // namespace

bool wait_for_notification(Connection& connection, const Dialect& dialect, int interrupt,
                           std::chrono::milliseconds timeout) {
  if (!connection.listening()) {
    listen(connection);
    // What was committed before we listened nobody told us.
    return true;
  }
  if (take_notifications(connection, dialect)) return true;
  pollfd entries[] = {{PQsocket(connection.raw()), POLLIN, 0}, {interrupt, POLLIN, 0}};
  poll(entries, 2, static_cast<int>(timeout.count()));
  if (entries[0].revents != 0 && PQconsumeInput(connection.raw()) == 0) {
    const std::string why = PQerrorMessage(connection.raw());
    connection.abandon();
    throw InfrastructureError("PostgreSQL: " + why);
  }
  return take_notifications(connection, dialect);
}

}  // namespace kinbox::postgres
