#include "handlers/payment/payment.hpp"

#include <nlohmann/json.hpp>

#include "handlers/orders/amounts.hpp"
#include "handlers/orders/topic_setting.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/json.hpp"

namespace kinbox::handlers {
namespace embedded {
std::vector<Migration> payment_migrations();
}

namespace {

constexpr std::string_view kMarketplace = "marketplace";

// Nothing where the entry stands already: another event about the same order books nothing.
constexpr std::string_view kInsertEntry = R"(
  INSERT INTO {kinbox}.payment_ledger (order_id, kind, debit, credit, cents, event_id)
  VALUES ($1, $2, $3, $4, $5, $6)
  ON CONFLICT (order_id, kind) DO NOTHING)";

// Running it twice would be wrong, on purpose: that it takes effect once is the inbox's doing.
constexpr std::string_view kAddToBalance = R"(
  INSERT INTO {kinbox}.payment_accounts AS a (account, balance) VALUES ($1, $2)
  ON CONFLICT (account) DO UPDATE SET balance = a.balance + excluded.balance)";

constexpr std::string_view kFindCapture = R"(
  SELECT debit, cents FROM {kinbox}.payment_ledger WHERE order_id = $1 AND kind = 'capture')";

std::string account_of_buyer(const std::string& buyer) { return "buyer:" + buyer; }

/// From the buyer's account to the marketplace's where `cents` is positive.
struct Transfer {
  std::string order_id;
  std::string buyer_account;
  std::int64_t cents = 0;
};

class Payment final : public Handler {
 public:
  explicit Payment(const HandlerContext& context)
      : outbox_(context.dialect, context.outbox),
        topic_(topic_setting(context, "marketplace.payment")),
        insert_entry_(context.dialect.render(kInsertEntry)),
        add_to_balance_(context.dialect.render(kAddToBalance)),
        find_capture_(context.dialect.render(kFindCapture)) {}

  void handle(const Event& event, Transaction& tx) override {
    const JsonPayload order(event);
    if (event.type() == "ORDER_CREATED")
      capture(order, event.id(), tx);
    else
      refund(order.text("/orderId"), event.id(), tx);
  }

 private:
  void capture(const JsonPayload& order, const std::string& event_id, Transaction& tx) const {
    const Transfer paid{.order_id = order.text("/orderId"),
                        .buyer_account = account_of_buyer(order.text("/buyerId")),
                        .cents = cents(order, "/totalAmount")};
    const auto booked = tx.execute(insert_entry_, paid.order_id, "capture", paid.buyer_account,
                                   kMarketplace, paid.cents, event_id);
    if (booked.affected_rows() == 0) return;
    move(paid.buyer_account, paid.cents, tx);
    emit(paid, "payment.completed", tx);
  }

  void refund(const std::string& order_id, const std::string& event_id, Transaction& tx) const {
    const auto captured = tx.query(find_capture_, order_id);
    if (captured.empty())
      throw RetryableError("the order that was cancelled has not been paid yet", {},
                           "order_unknown");
    const Transfer paid{.order_id = order_id,
                        .buyer_account = captured[0].get<std::string>(0),
                        .cents = captured[0].get<std::int64_t>(1)};
    const auto booked = tx.execute(insert_entry_, order_id, "refund", kMarketplace,
                                   paid.buyer_account, paid.cents, event_id);
    if (booked.affected_rows() == 0) return;
    move(paid.buyer_account, -paid.cents, tx);
    emit(paid, "payment.refunded", tx);
  }

  /// The marketplace's row first: everybody needs it, so whoever has it finds the others free.
  void move(const std::string& buyer_account, std::int64_t cents, Transaction& tx) const {
    tx.execute(add_to_balance_, kMarketplace, cents);
    tx.execute(add_to_balance_, buyer_account, -cents);
  }

  void emit(const Transfer& paid, const char* type, Transaction& tx) const {
    const nlohmann::ordered_json payload{{"orderId", paid.order_id},
                                         {"amount", amount_of(paid.cents)}};
    outbox_.emit(tx,
                 {.topic = topic_, .key = paid.order_id, .type = type, .payload = payload.dump()});
  }

  const Outbox outbox_;
  const std::string topic_;
  const std::string insert_entry_;
  const std::string add_to_balance_;
  const std::string find_capture_;
};

}  // namespace

HandlerSpec payment() {
  return {.name = "payment",
          .event_types = {"ORDER_CREATED", "ORDER_CANCELLED"},
          .make = [](const auto& context) { return std::make_unique<Payment>(context); },
          .traits = {.reprocessable = true},
          .setting_names = {kTopicSetting},
          .migrations = embedded::payment_migrations()};
}

}  // namespace kinbox::handlers
