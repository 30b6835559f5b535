#include "email/email_rows.hpp"

#include "core/random_name.hpp"
#include "core/replaced.hpp"
#include "core/sql_moment.hpp"
#include "core/storable_text.hpp"

namespace kinbox::email {
namespace {

constexpr std::size_t kMaxErrorText = 1024;

// SKIP LOCKED: another sender is taking that row. The clock in a subquery is read once, so that an
// index can be searched by it.
constexpr std::string_view kClaim =
    "UPDATE {kinbox}.email_outbox SET lease_token = $1, lease_until = {after $2}, "
    "updated_at = {now} WHERE id = (SELECT id FROM {kinbox}.email_outbox "
    "WHERE state IN ('pending', 'unknown') AND (state = 'pending' OR attempts < $3) "
    "AND next_attempt_at <= (SELECT {now}) "
    "AND (lease_until IS NULL OR lease_until < (SELECT {now})) "
    "ORDER BY next_attempt_at, id LIMIT 1{skip locked}) "
    "RETURNING id, state, email_type, recipient, message_id, CAST(payload AS text) AS payload, "
    "attempts, {seconds} AS created_at";

constexpr std::string_view kBeginContent =
    "UPDATE {kinbox}.email_outbox SET state = 'sending', lease_until = {after $3}, "
    "updated_at = {now} WHERE id = $1 AND lease_token = $2 AND lease_until > {now}";

constexpr std::string_view kSettle =
    "UPDATE {kinbox}.email_outbox SET state = $3, attempts = $4, next_attempt_at = {after $5}, "
    "provider_reply = $6, last_error = $7, lease_until = NULL, updated_at = {now}, "
    "sent_at = CASE WHEN $3 = 'sent' THEN {now} END WHERE id = $1 AND lease_token = $2";

constexpr std::string_view kVanished =
    "UPDATE {kinbox}.email_outbox SET state = 'unknown', attempts = attempts + 1, "
    "next_attempt_at = {now}, last_error = $1, lease_until = NULL, updated_at = {now} "
    "WHERE state = 'sending' AND lease_until < (SELECT {now}) "
    "RETURNING id, message_id, attempts";

constexpr std::string_view kPresent =
    "INSERT INTO {kinbox}.email_senders (sender, target, trouble, seen_until) "
    "VALUES ($1, $2, $3, {after $4}) ON CONFLICT (sender) DO UPDATE "
    "SET trouble = excluded.trouble, seen_until = excluded.seen_until";
constexpr std::string_view kForget =
    "DELETE FROM {kinbox}.email_senders WHERE seen_until < (SELECT {now})";
constexpr std::string_view kLeave = "DELETE FROM {kinbox}.email_senders WHERE sender = $1";

/// `{after $n}` is the moment that many milliseconds from now.
std::string render(const Dialect& dialect, std::string_view sql) {
  const bool sqlite = dialect.backend() == Backend::kSqlite;
  auto text = replaced(sql, "{skip locked}", sqlite ? "" : " FOR UPDATE SKIP LOCKED");
  text = replaced(text, "{seconds}",
                  sqlite ? "CAST(strftime('%s', created_at) AS INTEGER)"
                         : "CAST(extract(epoch FROM created_at) AS bigint)");
  const std::string_view mark = "{after ";
  if (const auto at = text.find(mark); at != text.npos) {
    const auto end = text.find('}', at);
    const auto milliseconds = text.substr(at + mark.size(), end - at - mark.size());
    text.replace(at, end + 1 - at, sql_moment(dialect, milliseconds));
  }
  return dialect.render(text);
}

}  // namespace

EmailRows::EmailRows(const Dialect& dialect)
    : claim_(render(dialect, kClaim)),
      begin_content_(render(dialect, kBeginContent)),
      settle_(render(dialect, kSettle)),
      vanished_(render(dialect, kVanished)),
      present_(render(dialect, kPresent)),
      forget_(render(dialect, kForget)),
      leave_(render(dialect, kLeave)) {}

std::optional<ClaimedMail> EmailRows::claim(OpenTransaction& tx, std::chrono::milliseconds lease,
                                            int resends) const {
  auto token = random_name();
  for (const auto row : tx.query(claim_, token, lease.count(), resends))
    return ClaimedMail{.id = row.get<std::int64_t>("id"),
                       .token = std::move(token),
                       .state = row.get<std::string>("state"),
                       .type = row.get<std::string>("email_type"),
                       .recipient = row.get<std::string>("recipient"),
                       .message_id = row.get<std::string>("message_id"),
                       .payload = row.get<std::string>("payload"),
                       .attempts = static_cast<int>(row.get<std::int64_t>("attempts")),
                       .created_at = std::chrono::system_clock::time_point{
                           std::chrono::seconds{row.get<std::int64_t>("created_at")}}};
  return std::nullopt;
}

bool EmailRows::begin_content(OpenTransaction& tx, const ClaimedMail& mail,
                              std::chrono::milliseconds lease) const {
  return tx.execute(begin_content_, mail.id, mail.token, lease.count()).affected_rows() == 1;
}

bool EmailRows::settle(OpenTransaction& tx, const ClaimedMail& mail,
                       const Settlement& settlement) const {
  return tx.execute(settle_, mail.id, mail.token, settlement.state, settlement.attempts,
                    settlement.delay.count(),
                    storable_text(settlement.provider_reply, kMaxErrorText),
                    storable_text(settlement.last_error, kMaxErrorText))
             .affected_rows() == 1;
}

std::vector<EmailRows::Vanished> EmailRows::give_up_vanished(OpenTransaction& tx,
                                                             std::string_view why) const {
  std::vector<Vanished> vanished;
  for (const auto row : tx.query(vanished_, why))
    vanished.push_back({row.get<std::int64_t>("id"), row.get<std::string>("message_id"),
                        static_cast<int>(row.get<std::int64_t>("attempts"))});
  return vanished;
}

void EmailRows::present(OpenTransaction& tx, std::string_view sender, std::string_view target,
                        std::string_view trouble, std::chrono::milliseconds duration) const {
  // Those that ended without a word.
  tx.execute(forget_);
  tx.execute(present_, sender, target, storable_text(trouble, kMaxErrorText), duration.count());
}

void EmailRows::leave(OpenTransaction& tx, std::string_view sender) const {
  tx.execute(leave_, sender);
}

}  // namespace kinbox::email
