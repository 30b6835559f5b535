#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "kinbox/database.hpp"

namespace kinbox::cli {

/// What waits to leave the database, whoever wrote it. Sent rows are not looked at, however many.
struct Backlog {
  std::int64_t outbox_pending = 0;
  std::int64_t outbox_refused = 0;
  std::optional<std::string> outbox_oldest = {};
  std::int64_t mails_waiting = 0;
  std::optional<std::string> mails_oldest = {};
};

/// Throws InfrastructureError.
Backlog read_backlog(Database& database);

}  // namespace kinbox::cli
