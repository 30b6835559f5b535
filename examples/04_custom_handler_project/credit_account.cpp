#include "credit_account.hpp"

#include <kinbox/errors.hpp>
#include <kinbox/json.hpp>
#include <kinbox/outbox.hpp>

namespace bank {
namespace embedded {
// Made by kinbox_embed_migrations.
std::vector<kinbox::Migration> credit_account_migrations();
}  // namespace embedded

namespace {

// Adding twice would be wrong: nothing here is idempotent by itself, and nothing has to be.
constexpr std::string_view kAddToBalance =
    "INSERT INTO {kinbox}.balances AS b (account, cents) VALUES ($1, $2) "
    "ON CONFLICT (account) DO UPDATE SET cents = b.cents + excluded.cents";

class CreditAccount final : public kinbox::Handler {
 public:
  explicit CreditAccount(const kinbox::HandlerContext& context)
      : add_to_balance_(context.dialect.render(kAddToBalance)),
        outbox_(context.dialect, context.outbox) {}

  void handle(const kinbox::Event& event, kinbox::Transaction& tx) override {
    const kinbox::JsonPayload payment(event);
    const auto cents = payment.integer("/cents");
    if (cents <= 0) throw kinbox::BusinessRejection("the amount is not positive", "bad_amount");
    const auto account = payment.text("/account");
    tx.execute(add_to_balance_, account, cents);
    outbox_.emit(tx, {.topic = "accounts.credited",
                      .key = account,
                      .type = "ACCOUNT_CREDITED",
                      .payload = std::string(kinbox::as_text(*event.payload()))});
  }

 private:
  const std::string add_to_balance_;
  const kinbox::Outbox outbox_;
};

}  // namespace

kinbox::HandlerSpec credit_account() {
  return {.name = "credit_account",
          .event_types = {"PAYMENT_CAPTURED"},
          .make = [](const auto& context) { return std::make_unique<CreditAccount>(context); },
          .migrations = embedded::credit_account_migrations()};
}

}  // namespace bank
