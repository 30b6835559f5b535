#include "handlers/email_confirmation/email_confirmation.hpp"

#include "handlers/email_confirmation/recipient.hpp"
#include "handlers/setting.hpp"
#include "kinbox/email_outbox.hpp"
#include "kinbox/json.hpp"

namespace kinbox::handlers {
namespace {

constexpr const char* kDomain = "message_id.domain";
constexpr const char* kDefaultDomain = "kinbox.invalid";
constexpr const char* kShipped = "ORDER_SHIPPED";

std::string email_type(const Event& event) {
  return event.type() == kShipped ? "order_shipped" : "order_confirmation";
}

std::string domain_of(const HandlerContext& context) {
  return setting(context, kDomain).value_or(kDefaultDomain);
}

class EmailConfirmation final : public Handler {
 public:
  explicit EmailConfirmation(const HandlerContext& context)
      : outbox_(context.dialect, domain_of(context)), recipient_(context) {}

  void handle(const Event& event, Transaction& tx) override {
    const JsonPayload order(event);
    outbox_.enqueue(tx, {.type = email_type(event),
                         .order_id = order.text("/orderId"),
                         .recipient = recipient_.find(order, tx),
                         .payload = order.json("")});
  }

 private:
  const EmailOutbox outbox_;
  const Recipient recipient_;
};

}  // namespace

HandlerSpec email_confirmation() {
  return {.name = "email_confirmation",
          .event_types = {"ORDER_CREATED", kShipped},
          .make = [](const auto& context) { return std::make_unique<EmailConfirmation>(context); },
          .traits = {.reprocessable = true, .order_independent = true},
          .setting_names = {"recipient.pointer", "recipient.sql", kDomain}};
}

}  // namespace kinbox::handlers
