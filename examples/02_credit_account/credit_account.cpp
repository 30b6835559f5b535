#include "credit_account.hpp"

#include <kinbox/errors.hpp>
#include <kinbox/json.hpp>

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
      : add_to_balance_(context.dialect.render(kAddToBalance)) {}

  void handle(const kinbox::Event& event, kinbox::Transaction& tx) override {
    const kinbox::JsonPayload payment(event);
    const auto cents = payment.integer("/cents");
    if (cents <= 0) throw kinbox::BusinessRejection("the amount is not positive", "bad_amount");
    tx.execute(add_to_balance_, payment.text("/account"), cents);
  }

 private:
  const std::string add_to_balance_;
};

}  // namespace

kinbox::HandlerSpec credit_account() {
  return {.name = "credit_account",
          .event_types = {"PAYMENT_CAPTURED"},
          .make = [](const auto& context) { return std::make_unique<CreditAccount>(context); },
          .migrations = embedded::credit_account_migrations()};
}

}  // namespace bank
