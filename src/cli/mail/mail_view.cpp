#include "cli/mail/mail_view.hpp"

#include <array>

#include "core/own_statements.hpp"

namespace kinbox::cli {
namespace {

constexpr std::string_view kTypes = R"(
SELECT email_type, state, count(*) AS amount, CAST(min(created_at) AS text) AS oldest,
       max(last_error) AS last_error,
       sum(CASE WHEN state = 'unknown' AND attempts >= $1 THEN 1 ELSE 0 END) AS held
  FROM {kinbox}.email_outbox GROUP BY email_type, state ORDER BY email_type, state)";

constexpr std::string_view kSenders =
    "SELECT target, trouble FROM {kinbox}.email_senders WHERE seen_until > {now} "
    "ORDER BY target, trouble, sender";

constexpr std::string_view kColumns =
    "SELECT id, state, email_type, order_id, revision, recipient, message_id, attempts, "
    "CAST(created_at AS text) AS created_at, CAST(sent_at AS text) AS sent_at, "
    "CAST(next_attempt_at AS text) AS next_attempt_at, CAST(lease_until AS text) AS lease_until, "
    "event_id, provider_reply, last_error, CAST(payload AS text) AS payload "
    "FROM {kinbox}.email_outbox ";
constexpr std::string_view kList =
    "WHERE ($1 = 'all' OR state = $1 OR ($1 = 'open' AND state NOT IN ('sent', 'discarded'))) "
    "AND ($2 = '' OR email_type = $2) ORDER BY id LIMIT $3";

// Whoever has such a row in hand loses it with the token.
constexpr std::string_view kChange =
    "UPDATE {kinbox}.email_outbox SET state = $1, "
    "attempts = CASE WHEN $1 = 'pending' THEN 0 ELSE attempts END, next_attempt_at = {now}, "
    "lease_token = '', lease_until = NULL, updated_at = {now} ";
constexpr std::string_view kOne =
    "WHERE (state IN ('failed', 'unknown') OR state = $2) AND id = $3 RETURNING id";
constexpr std::string_view kMany =
    "WHERE state = $2 AND state IN ('failed', 'unknown') AND ($3 = '' OR email_type = $3) "
    "RETURNING id";

MailRow row_of(const Row& row) {
  return {.id = row.get<std::int64_t>("id"),
          .state = row.get<std::string>("state"),
          .type = row.get<std::string>("email_type"),
          .order_id = row.get<std::string>("order_id"),
          .recipient = row.get<std::string>("recipient"),
          .message_id = row.get<std::string>("message_id"),
          .attempts = row.get<std::int64_t>("attempts"),
          .created_at = row.get<std::string>("created_at"),
          .sent_at = row.get<std::optional<std::string>>("sent_at"),
          .last_error = row.get<std::string>("last_error")};
}

void count(MailType& type, const Row& row) {
  const auto state = row.get<std::string>("state");
  const auto mails = row.get<std::int64_t>("amount");
  for (const auto& [name, counter] :
       {std::pair{"pending", &MailType::pending}, std::pair{"sending", &MailType::sending},
        std::pair{"unknown", &MailType::unknown}, std::pair{"failed", &MailType::failed},
        std::pair{"sent", &MailType::sent}, std::pair{"discarded", &MailType::discarded}})
    if (state == name) type.*counter = mails;
  type.held += row.get<std::int64_t>("held");
  if (state == "pending") type.oldest_pending = row.get<std::string>("oldest");
  if (const auto error = row.get<std::string>("last_error");
      !error.empty() && state != "sent" && state != "discarded")
    type.last_error = error;
}

}  // namespace

std::vector<MailType> MailView::types(int resends) {
  std::vector<MailType> types;
  own_transaction(database_, "mail", [&](OpenTransaction& tx) {
    for (const auto row : tx.query(tx.dialect().render(kTypes), resends)) {
      const auto name = row.get<std::string>("email_type");
      if (types.empty() || types.back().type != name) types.push_back({.type = name});
      count(types.back(), row);
    }
  });
  return types;
}

std::vector<MailSender> MailView::senders() {
  std::vector<MailSender> senders;
  own_transaction(database_, "mail", [&](OpenTransaction& tx) {
    for (const auto row : tx.query(tx.dialect().render(kSenders)))
      senders.push_back({row.get<std::string>("target"), row.get<std::string>("trouble")});
  });
  return senders;
}

std::vector<MailRow> MailView::list(const MailSelection& selection) {
  std::vector<MailRow> found;
  own_transaction(database_, "mail", [&](OpenTransaction& tx) {
    const auto sql = tx.dialect().render(std::string(kColumns).append(kList));
    for (const auto row : tx.query(sql, selection.state, selection.type, selection.limit))
      found.push_back(row_of(row));
  });
  return found;
}

std::vector<std::pair<std::string, std::optional<std::string>>> MailView::show(std::int64_t id) {
  std::vector<std::pair<std::string, std::optional<std::string>>> facts;
  own_transaction(database_, "mail", [&](OpenTransaction& tx) {
    const auto rows =
        tx.query(tx.dialect().render(std::string(kColumns).append("WHERE id = $1")), id);
    for (const auto row : rows)
      for (std::size_t i = 0; i < rows.columns().size(); ++i)
        facts.emplace_back(rows.columns()[i], row.get<std::optional<std::string>>(i));
  });
  return facts;
}

std::vector<std::int64_t> MailView::retry(const MailSelection& selection) {
  return change(selection, "pending", "failed");
}

std::vector<std::int64_t> MailView::discard(const MailSelection& selection) {
  return change(selection, "discarded", "pending");
}

std::vector<std::int64_t> MailView::change(const MailSelection& selection, const char* to,
                                           const char* also_by_id) {
  std::vector<std::int64_t> changed;
  own_transaction(database_, "mail", [&](OpenTransaction& tx) {
    const auto run = [&](std::string_view which, const char* state, const SqlParam& argument) {
      const auto sql = tx.dialect().render(std::string(kChange).append(which));
      for (const Row row : tx.query_with(sql, std::array<SqlParam, 3>{to, state, argument}))
        changed.push_back(row.get<std::int64_t>("id"));
    };
    for (const auto id : selection.ids) run(kOne, also_by_id, id);
    if (selection.ids.empty()) run(kMany, selection.state.c_str(), selection.type);
  });
  return changed;
}

}  // namespace kinbox::cli
