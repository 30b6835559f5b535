#include "handlers/email_confirmation/email_confirmation.hpp"

#include "handlers/email_confirmation/message_id.hpp"
#include "handlers/email_confirmation/recipient.hpp"
#include "kinbox/json.hpp"

namespace kinbox::handlers {
namespace embedded {
std::vector<Migration> email_confirmation_migrations();
}

namespace {

constexpr std::string_view kEmailType = "order_confirmation";
// Raised only for a deliberate second mail about the same order.
constexpr int kRevision = 1;
constexpr const char* kDomain = "message_id.domain";
constexpr const char* kDefaultDomain = "kinbox.invalid";

// Nothing where the row stands already: another event about the order, or a replay, mails nobody
// twice.
constexpr std::string_view kInsert = R"(
  INSERT INTO {kinbox}.email_outbox
    (order_id, email_type, revision, recipient, message_id, payload, event_id)
  VALUES ($1, $2, $3, $4, $5, $6, $7)
  ON CONFLICT (order_id, email_type, revision) DO NOTHING)";

std::string domain_of(const HandlerContext& context) {
  const auto found = context.settings.find(kDomain);
  const std::string domain = found == context.settings.end() ? kDefaultDomain : found->second;
  require_message_id_domain(domain);
  return domain;
}

class EmailConfirmation final : public Handler {
 public:
  explicit EmailConfirmation(const HandlerContext& context)
      : insert_(context.dialect.render(kInsert)),
        recipient_(context),
        domain_(domain_of(context)) {}

  void handle(const Event& event, Transaction& tx) override {
    const JsonPayload order(event);
    const auto order_id = order.text("/orderId");
    tx.execute(insert_, order_id, kEmailType, kRevision, recipient_.find(order, tx),
               message_id(kEmailType, order_id, kRevision, domain_), order.json(""), event.id());
  }

 private:
  const std::string insert_;
  const Recipient recipient_;
  const std::string domain_;
};

}  // namespace

HandlerSpec email_confirmation() {
  return {.name = "email_confirmation",
          .event_types = {"ORDER_CREATED"},
          .make = [](const auto& context) { return std::make_unique<EmailConfirmation>(context); },
          .traits = {.reprocessable = true, .order_independent = true},
          .setting_names = {"recipient.pointer", "recipient.sql", kDomain},
          .migrations = embedded::email_confirmation_migrations()};
}

}  // namespace kinbox::handlers
