#include "handlers/email_confirmation/recipient.hpp"

#include "handlers/setting.hpp"
#include "kinbox/email_address.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::handlers {
namespace {

constexpr const char* kPointer = "recipient.pointer";
constexpr const char* kSql = "recipient.sql";
constexpr std::string_view kDefaultPointer = "/buyerEmail";
constexpr const char* kMissing = "recipient_missing";
constexpr const char* kUnusable = "recipient_unusable";

}  // namespace

Recipient::Recipient(const HandlerContext& context)
    : pointer_(setting(context, kPointer).value_or(std::string(kDefaultPointer))),
      sql_(context.dialect.render(setting(context, kSql).value_or(""))) {
  if (setting(context, kPointer) && setting(context, kSql))
    throw ConfigurationError("recipient: say either pointer or sql, not both");
  if (setting(context, kSql) && sql_.find("$1") == std::string::npos)
    throw ConfigurationError(
        "recipient.sql: the buyer's id is $1, as in  SELECT email FROM users WHERE id = $1");
  require_json_pointer(pointer_);
}

std::string Recipient::find(const JsonPayload& order, Transaction& tx) const {
  auto address = sql_.empty() ? order.text(pointer_) : find_by_sql(order, tx);
  if (address.empty()) throw PermanentError("the buyer has no e-mail address", kMissing);
  // The address itself stays out of texts that end up in logs.
  if (!email::is_usable_address(address))
    throw PermanentError("the buyer's e-mail address is none", kUnusable);
  return address;
}

std::string Recipient::find_by_sql(const JsonPayload& order, Transaction& tx) const {
  const auto rows = tx.query(sql_, order.text("/buyerId"));
  if (rows.empty())
    throw RetryableError("recipient.sql gives no row for the order's buyer", {}, kMissing);
  if (rows.size() > 1)
    throw PermanentError(
        "recipient.sql gives " + std::to_string(rows.size()) + " rows for the order's buyer",
        kUnusable);
  return rows[0].get<std::optional<std::string>>(0).value_or("");
}

}  // namespace kinbox::handlers
