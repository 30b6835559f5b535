// The handler `payment`, on both databases.
#include "support/handler_contract.hpp"

namespace kinbox::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const char* const kOrder =
    R"({"eventId":"e-1","eventType":"ORDER_CREATED","orderId":"o-1","buyerId":"b-1",)"
    R"("totalAmount":129.90})";
const char* const kCancelled = R"({"eventId":"e-9","eventType":"ORDER_CANCELLED","orderId":"o-1"})";

class PaymentHandler : public HandlerContract {
 protected:
  std::vector<std::string> ledger() {
    return table(
        "SELECT order_id, kind, debit, credit, cents, event_id FROM {kinbox}.payment_ledger "
        "ORDER BY order_id, kind");
  }

  std::vector<std::string> balances() {
    return table("SELECT account, balance FROM {kinbox}.payment_accounts ORDER BY account");
  }
};
KINBOX_FOR_ALL_DATABASES(PaymentHandler);

TEST_P(PaymentHandler, AnOrderIsPaidFromTheBuyersAccount) {
  handle("payment", kOrder);
  EXPECT_THAT(ledger(), ElementsAre("o-1|capture|buyer:b-1|marketplace|12990|e-1"));
  EXPECT_THAT(balances(), ElementsAre("buyer:b-1|-12990", "marketplace|12990"));
  EXPECT_THAT(emitted(), ElementsAre("marketplace.payment o-1 payment.completed "
                                     R"({"orderId":"o-1","amount":"129.90"})"));
}

TEST_P(PaymentHandler, BalancesAddUp) {
  handle("payment", kOrder);
  handle("payment", with(with(kOrder, "o-1", "o-2"), "129.90", "\"0.05\""));
  handle("payment", with(with(kOrder, "o-1", "o-3"), "b-1", "b-2"));
  EXPECT_THAT(balances(), ElementsAre("buyer:b-1|-12995", "buyer:b-2|-12990", "marketplace|25985"));
  EXPECT_THAT(emitted().at(1), HasSubstr(R"("amount":"0.05")"));
}

TEST_P(PaymentHandler, AnotherEventAboutTheOrderBooksNothing) {
  handle("payment", kOrder);
  handle("payment", with(kOrder, "e-1", "e-2"));
  EXPECT_THAT(balances(), ElementsAre("buyer:b-1|-12990", "marketplace|12990"));
  EXPECT_EQ(ledger().size(), 1U);
  EXPECT_EQ(emitted().size(), 1U);
}

TEST_P(PaymentHandler, ACancelledOrderIsPaidBackOnce) {
  handle("payment", kOrder);
  handle("payment", kCancelled);
  handle("payment", with(kCancelled, "e-9", "e-10"));
  EXPECT_THAT(ledger(), ElementsAre("o-1|capture|buyer:b-1|marketplace|12990|e-1",
                                    "o-1|refund|marketplace|buyer:b-1|12990|e-9"));
  EXPECT_THAT(balances(), ElementsAre("buyer:b-1|0", "marketplace|0"));
  EXPECT_THAT(emitted(), ElementsAre(HasSubstr(" payment.completed "),
                                     "marketplace.payment o-1 payment.refunded "
                                     R"({"orderId":"o-1","amount":"129.90"})"));
}

TEST_P(PaymentHandler, ACancellationWaitsForThePayment) {
  EXPECT_EQ(refusal<RetryableError>("payment", kCancelled).code(), "order_unknown");
  EXPECT_THAT(balances(), IsEmpty());
}

TEST_P(PaymentHandler, WhatCostsNothingIsBookedToo) {
  handle("payment", with(kOrder, "129.90", "0"));
  EXPECT_THAT(balances(), ElementsAre("buyer:b-1|0", "marketplace|0"));
  EXPECT_THAT(emitted(), ElementsAre(HasSubstr(R"("amount":"0.00")")));
}

TEST_P(PaymentHandler, NamesWhatIsWrongWithAnOrder) {
  for (const char* field : {"orderId", "buyerId", "totalAmount"})
    EXPECT_THAT(refusal<PermanentError>("payment", with(kOrder, field, "other")).what(),
                HasSubstr(std::string("no \"/") + field + '"'));
  EXPECT_THAT(refusal<PermanentError>("payment", with(kOrder, "129.90", "129.905")).what(),
              HasSubstr("\"/totalAmount\" has more than 2 decimals"));
  const auto negative = refusal<PermanentError>("payment", with(kOrder, "129.90", "-1"));
  EXPECT_EQ(negative.code(), "bad_amount");
  EXPECT_THAT(negative.what(), HasSubstr("\"/totalAmount\" is negative"));
  EXPECT_THAT(ledger(), IsEmpty());
}

TEST_P(PaymentHandler, TheTopicOfItsEventsIsASetting) {
  handle("payment", kOrder, {{"topic", "shop.paid"}});
  EXPECT_THAT(emitted(), ElementsAre(HasSubstr("shop.paid o-1 payment.completed ")));
  EXPECT_THAT(problem_with("payment", {{"topic", ".."}}), HasSubstr("\"..\""));
}

}  // namespace
}  // namespace kinbox::testing
