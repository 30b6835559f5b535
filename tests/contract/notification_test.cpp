// The handler `notification`, on both databases.
#include "support/handler_contract.hpp"

namespace kinbox::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const char* const kCreated =
    R"({"eventId":"e-1","eventType":"ORDER_CREATED","orderId":"o-1","orderNumber":"SO-1",)"
    R"("buyerId":"b-1","sellerIds":["s-1","s-2"]})";

class NotificationHandler : public HandlerContract {
 protected:
  std::vector<std::string> notifications() {
    return table(
        "SELECT recipient, role, order_id, kind, order_number, event_id "
        "FROM {kinbox}.notifications ORDER BY order_id, kind, role, recipient");
  }
};
KINBOX_FOR_ALL_DATABASES(NotificationHandler);

TEST_P(NotificationHandler, TellsTheBuyerAndEverySeller) {
  handle("notification", kCreated);
  EXPECT_THAT(notifications(),
              ElementsAre("b-1|buyer|o-1|created|SO-1|e-1", "s-1|seller|o-1|created|SO-1|e-1",
                          "s-2|seller|o-1|created|SO-1|e-1"));
}

TEST_P(NotificationHandler, TellsThemOfEachKindOnce) {
  handle("notification", kCreated);
  handle("notification", with(kCreated, "e-1", "e-2"));
  EXPECT_EQ(notifications().size(), 3U);
  handle("notification", with(with(kCreated, "e-1", "e-3"), "o-1", "o-2"));
  EXPECT_EQ(notifications().size(), 6U);
}

TEST_P(NotificationHandler, KnowsWhatBecomesOfAnOrderInAnyOrder) {
  for (const char* type :
       {"ORDER_CANCELLED", "ORDER_DELIVERED", "ORDER_SHIPPED", "ORDER_PAID", "ORDER_CREATED"})
    handle("notification", with(kCreated, "ORDER_CREATED", type));
  EXPECT_THAT(table("SELECT DISTINCT kind FROM {kinbox}.notifications ORDER BY kind"),
              ElementsAre("cancelled", "created", "delivered", "paid", "shipped"));
  EXPECT_EQ(notifications().size(), 15U);
}

TEST_P(NotificationHandler, TellsASellerWhoIsNamedTwiceOnce) {
  handle("notification", with(kCreated, "s-2", "s-1"));
  EXPECT_EQ(notifications().size(), 2U);
}

TEST_P(NotificationHandler, TellsWhoBuysFromThemselvesInBothRoles) {
  handle("notification", with(kCreated, "b-1", "s-1"));
  EXPECT_EQ(notifications().size(), 3U);
}

TEST_P(NotificationHandler, NamesTheFieldThatIsMissing) {
  for (const char* field : {"orderId", "orderNumber", "buyerId", "sellerIds"})
    EXPECT_THAT(refusal<PermanentError>("notification", with(kCreated, field, "other")).what(),
                HasSubstr(std::string("no \"/") + field + '"'));
  EXPECT_THAT(notifications(), IsEmpty());
}

}  // namespace
}  // namespace kinbox::testing
