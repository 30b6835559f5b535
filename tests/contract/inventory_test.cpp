// The handler `inventory`, on both databases.
#include "support/handler_contract.hpp"

namespace kinbox::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const char* const kOrder =
    R"({"eventId":"e-1","eventType":"ORDER_CREATED","orderId":"o-1",)"
    R"("items":[{"productId":"p-2","quantity":3},{"productId":"p-1","quantity":2}]})";
const char* const kCancelled = R"({"eventId":"e-9","eventType":"ORDER_CANCELLED","orderId":"o-1"})";

class InventoryHandler : public HandlerContract {
 protected:
  void receive(const std::string& product, int quantity) {
    handle("inventory", R"({"eventId":"r","eventType":"STOCK_RECEIVED","productId":")" + product +
                            R"(","quantity":)" + std::to_string(quantity) + "}");
  }

  /// "PRODUCT|AVAILABLE|RESERVED" per product.
  std::vector<std::string> stock() {
    return table(
        "SELECT product_id, available, reserved FROM {kinbox}.inventory_stock "
        "ORDER BY product_id");
  }

  std::vector<std::string> reservations() {
    return table(
        "SELECT order_id, product_id, quantity FROM {kinbox}.inventory_reservations "
        "ORDER BY order_id, product_id");
  }

  std::string state(const std::string& order = "o-1") {
    const auto states =
        table("SELECT state FROM {kinbox}.inventory_orders WHERE order_id = '" + order + "'");
    return states.empty() ? "unknown" : states.at(0);
  }
};
KINBOX_FOR_ALL_DATABASES(InventoryHandler);

TEST_P(InventoryHandler, StockThatIsReceivedIsAdded) {
  receive("p-1", 5);
  receive("p-1", 7);
  receive("p-2", 1);
  EXPECT_THAT(stock(), ElementsAre("p-1|12|0", "p-2|1|0"));
}

TEST_P(InventoryHandler, AnOrderSetsItsProductsAside) {
  receive("p-1", 5);
  receive("p-2", 3);
  handle("inventory", kOrder);
  EXPECT_THAT(stock(), ElementsAre("p-1|3|2", "p-2|0|3"));
  EXPECT_THAT(reservations(), ElementsAre("o-1|p-1|2", "o-1|p-2|3"));
  EXPECT_EQ(state(), "reserved");
  EXPECT_THAT(emitted(),
              ElementsAre("marketplace.inventory o-1 inventory.reserved "
                          R"({"orderId":"o-1","items":[{"productId":"p-1","quantity":2},)"
                          R"({"productId":"p-2","quantity":3}]})"));
}

TEST_P(InventoryHandler, LinesOfOneProductCountTogether) {
  receive("p-1", 4);
  handle("inventory", with(kOrder, "p-2", "p-1"));
  EXPECT_EQ(state(), "rejected") << "2 + 3 are more than 4";
  receive("p-1", 1);
  handle("inventory", with(with(kOrder, "p-2", "p-1"), "o-1", "o-2"));
  EXPECT_THAT(stock(), ElementsAre("p-1|0|5"));
  EXPECT_THAT(reservations(), ElementsAre("o-2|p-1|5"));
}

TEST_P(InventoryHandler, TooLittleStockRejectsTheWholeOrderAndIsNoError) {
  receive("p-1", 5);
  receive("p-2", 2);
  handle("inventory", kOrder);
  EXPECT_THAT(stock(), ElementsAre("p-1|5|0", "p-2|2|0"));
  EXPECT_THAT(reservations(), IsEmpty());
  EXPECT_EQ(state(), "rejected");
  EXPECT_THAT(emitted(), ElementsAre("marketplace.inventory o-1 inventory.reservation.rejected "
                                     R"({"orderId":"o-1","reason":"not_enough_stock",)"
                                     R"("missing":[{"productId":"p-2","quantity":3}]})"));
}

TEST_P(InventoryHandler, AProductThatNobodyHeardOfIsMissing) {
  receive("p-1", 5);
  handle("inventory", kOrder);
  EXPECT_EQ(state(), "rejected");
  EXPECT_THAT(stock(), ElementsAre("p-1|5|0"));
}

TEST_P(InventoryHandler, AnotherEventAboutTheOrderReservesNothing) {
  receive("p-1", 50);
  receive("p-2", 50);
  handle("inventory", kOrder);
  handle("inventory", with(kOrder, "e-1", "e-2"));
  EXPECT_THAT(stock(), ElementsAre("p-1|48|2", "p-2|47|3"));
  EXPECT_EQ(emitted().size(), 1U);
}

TEST_P(InventoryHandler, ACancelledOrderGivesItsProductsBackOnce) {
  receive("p-1", 5);
  receive("p-2", 3);
  handle("inventory", kOrder);
  handle("inventory", kCancelled);
  handle("inventory", with(kCancelled, "e-9", "e-10"));
  EXPECT_THAT(stock(), ElementsAre("p-1|5|0", "p-2|3|0"));
  EXPECT_THAT(reservations(), IsEmpty());
  EXPECT_EQ(state(), "released");
  EXPECT_THAT(emitted(), ElementsAre(HasSubstr(" inventory.reserved "),
                                     "marketplace.inventory o-1 inventory.released "
                                     R"({"orderId":"o-1","items":[{"productId":"p-1",)"
                                     R"("quantity":2},{"productId":"p-2","quantity":3}]})"));
}

TEST_P(InventoryHandler, ARejectedOrderHasNothingToGiveBack) {
  handle("inventory", kOrder);
  handle("inventory", kCancelled);
  EXPECT_EQ(state(), "rejected");
  EXPECT_THAT(stock(), IsEmpty());
}

TEST_P(InventoryHandler, ACancellationWaitsForItsOrder) {
  const auto early = refusal<RetryableError>("inventory", kCancelled);
  EXPECT_EQ(early.code(), "order_unknown");
  EXPECT_STREQ(early.what(), "the order that was cancelled has not arrived yet");
}

TEST_P(InventoryHandler, TheTopicOfItsEventsIsASetting) {
  handle("inventory", kOrder, {{"topic", "shop.stock"}});
  EXPECT_THAT(emitted(), ElementsAre(HasSubstr("shop.stock o-1 inventory.reservation.rejected ")));
  EXPECT_EQ(problem_with("inventory", {{"topic", "shop.stock"}}), "accepted");
  EXPECT_THAT(problem_with("inventory", {{"topic", "shop stock"}}), HasSubstr("\"shop stock\""));
}

TEST_P(InventoryHandler, NamesWhatIsWrongWithAnOrder) {
  const auto said = [&](const std::string& piece, const std::string& instead) {
    return std::string(refusal<PermanentError>("inventory", with(kOrder, piece, instead)).what());
  };
  EXPECT_THAT(said("orderId", "order"), HasSubstr("no \"/orderId\""));
  EXPECT_THAT(said("items", "lines"), HasSubstr("no \"/items\""));
  EXPECT_THAT(said("productId", "product"), HasSubstr("no \"/items/0/productId\""));
  EXPECT_THAT(said("\"quantity\":2", "\"q\":2"), HasSubstr("no \"/items/1/quantity\""));
  EXPECT_THAT(said("\"quantity\":2", "\"quantity\":\"2\""),
              HasSubstr("\"/items/1/quantity\" is a string"));
  const auto code = [&](const std::string& piece, const std::string& instead) {
    return refusal<PermanentError>("inventory", with(kOrder, piece, instead)).code();
  };
  EXPECT_EQ(code("\"quantity\":2", "\"quantity\":0"), "bad_quantity");
  EXPECT_EQ(code("\"quantity\":2", "\"quantity\":-1"), "bad_quantity");
  const auto twice_as_many =
      with(with(kOrder, "p-2", "p-1"), "\"quantity\":3", "\"quantity\":9223372036854775807");
  EXPECT_EQ(refusal<PermanentError>("inventory", twice_as_many).code(), "number_too_large");
  EXPECT_EQ(
      refusal<PermanentError>(
          "inventory", std::string(R"({"eventId":"e","eventType":"ORDER_CREATED","orderId":"o",)"
                                   R"("items":[]})"))
          .code(),
      "no_items");
  EXPECT_THAT(stock(), IsEmpty());
}

}  // namespace
}  // namespace kinbox::testing
