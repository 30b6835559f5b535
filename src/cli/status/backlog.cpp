#include "cli/status/backlog.hpp"

#include "core/own_statements.hpp"

namespace kinbox::cli {
namespace {

// Each part is the condition of an index of its own.
constexpr std::string_view kBacklog = R"(
SELECT (SELECT count(*) FROM {kinbox}.outbox WHERE state = 'pending') AS outbox_pending,
       (SELECT count(*) FROM {kinbox}.outbox WHERE state = 'refused') AS outbox_refused,
       (SELECT CAST(created_at AS text) FROM {kinbox}.outbox WHERE state = 'pending'
         ORDER BY id LIMIT 1) AS outbox_oldest,
       (SELECT count(*) FROM {kinbox}.email_outbox WHERE state IN ('pending', 'unknown'))
         + (SELECT count(*) FROM {kinbox}.email_outbox WHERE state = 'sending') AS mails_waiting,
       (SELECT CAST(min(created_at) AS text) FROM {kinbox}.email_outbox
         WHERE state IN ('pending', 'unknown')) AS mails_oldest)";

}  // namespace

Backlog read_backlog(Database& database) {
  Backlog backlog;
  own_transaction(database, "backlog", [&](OpenTransaction& tx) {
    const auto row = tx.query(tx.dialect().render(kBacklog))[0];
    backlog = {.outbox_pending = row.get<std::int64_t>("outbox_pending"),
               .outbox_refused = row.get<std::int64_t>("outbox_refused"),
               .outbox_oldest = row.get<std::optional<std::string>>("outbox_oldest"),
               .mails_waiting = row.get<std::int64_t>("mails_waiting"),
               .mails_oldest = row.get<std::optional<std::string>>("mails_oldest")};
  });
  return backlog;
}

}  // namespace kinbox::cli
