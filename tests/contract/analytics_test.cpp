// The handler `analytics`, on both databases.
#include "support/handler_contract.hpp"

namespace kinbox::testing {
namespace {

using std::chrono::hours;
using std::chrono::sys_days;
using std::chrono::year;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Timestamp kNoon = sys_days(year(2024) / 2 / 29) + hours(12);

const char* const kOrder =
    R"({"eventId":"e-1","eventType":"ORDER_CREATED","orderId":"o-1","items":[)"
    R"({"sellerId":"s-2","quantity":2,"unitPrice":"12.50"},)"
    R"({"sellerId":"s-1","quantity":1,"unitPrice":0.99},)"
    R"({"sellerId":"s-2","quantity":3,"unitPrice":1}]})";
const char* const kCancelled =
    R"({"eventId":"e-9","eventType":"ORDER_CANCELLED","orderId":"o-1","sellerIds":["s-1","s-2"]})";

class AnalyticsHandler : public HandlerContract {
 protected:
  static OwnedRecord at(std::optional<Timestamp> time, const std::string& payload = kOrder) {
    auto record = order_record(payload);
    record.timestamp = time;
    return record;
  }

  /// "SELLER|DAY|ORDERS|UNITS|REVENUE|CANCELLED"
  std::vector<std::string> days() {
    return table(
        "SELECT seller_id, CAST(day AS text), orders, units, revenue_cents, cancelled_orders "
        "FROM {kinbox}.analytics_seller_days ORDER BY seller_id, day");
  }
};
KINBOX_FOR_ALL_DATABASES(AnalyticsHandler);

TEST_P(AnalyticsHandler, CountsWhatEachSellerSold) {
  handle("analytics", at(kNoon));
  EXPECT_THAT(days(), ElementsAre("s-1|2024-02-29|1|1|99|0", "s-2|2024-02-29|1|5|2800|0"));
}

TEST_P(AnalyticsHandler, AddsUpPerDay) {
  handle("analytics", at(kNoon));
  handle("analytics", at(kNoon, with(kOrder, "s-1", "s-3")));
  handle("analytics", at(kNoon + hours(24)));
  EXPECT_THAT(days(), ElementsAre("s-1|2024-02-29|1|1|99|0", "s-1|2024-03-01|1|1|99|0",
                                  "s-2|2024-02-29|2|10|5600|0", "s-2|2024-03-01|1|5|2800|0",
                                  "s-3|2024-02-29|1|1|99|0"));
}

TEST_P(AnalyticsHandler, TheDayIsTheRecordsInUtc) {
  const Timestamp midnight = sys_days(year(2024) / 1 / 1);
  handle("analytics", at(midnight - std::chrono::milliseconds(1)));
  handle("analytics", at(midnight));
  EXPECT_THAT(table("SELECT DISTINCT CAST(day AS text) AS day "
                    "FROM {kinbox}.analytics_seller_days ORDER BY day"),
              ElementsAre("2023-12-31", "2024-01-01"));
}

TEST_P(AnalyticsHandler, CountsCancellationsOnTheirOwnDay) {
  handle("analytics", at(kNoon));
  handle("analytics", at(kNoon, kCancelled));
  handle("analytics", at(kNoon + hours(24), kCancelled));
  EXPECT_THAT(days(), ElementsAre("s-1|2024-02-29|1|1|99|1", "s-1|2024-03-01|0|0|0|1",
                                  "s-2|2024-02-29|1|5|2800|1", "s-2|2024-03-01|0|0|0|1"));
}

TEST_P(AnalyticsHandler, CountsASellerWhoIsNamedTwiceOnce) {
  handle("analytics", at(kNoon, with(kCancelled, "s-2", "s-1")));
  EXPECT_THAT(days(), ElementsAre("s-1|2024-02-29|0|0|0|1"));
}

TEST_P(AnalyticsHandler, ARecordWithoutATimeBelongsToNoDay) {
  for (const auto& time :
       {std::optional<Timestamp>(), std::optional(Timestamp(std::chrono::milliseconds(-1))),
        std::optional(Timestamp::max()), std::optional<Timestamp>(sys_days(year(10000) / 1 / 1))})
    EXPECT_EQ(refusal<PermanentError>("analytics", at(time)).code(), "no_timestamp");
  handle("analytics", at(Timestamp()));
  handle("analytics", at(sys_days(year(9999) / 12 / 31) + hours(23)));
  EXPECT_EQ(days().size(), 4U);
}

TEST_P(AnalyticsHandler, NamesWhatIsWrongWithAnOrder) {
  const auto error = [&](const std::string& piece, const std::string& instead) {
    return refusal<PermanentError>("analytics", at(kNoon, with(kOrder, piece, instead)));
  };
  EXPECT_THAT(error("items", "lines").what(), HasSubstr("no \"/items\""));
  EXPECT_THAT(error("sellerId", "seller").what(), HasSubstr("no \"/items/0/sellerId\""));
  EXPECT_THAT(error("unitPrice", "price").what(), HasSubstr("no \"/items/0/unitPrice\""));
  EXPECT_EQ(error("\"quantity\":1", "\"quantity\":0").code(), "bad_quantity");
  EXPECT_EQ(error("0.99", "-0.99").code(), "bad_amount");
  EXPECT_EQ(error("\"quantity\":2", "\"quantity\":9223372036854775807").code(), "number_too_large");
  EXPECT_EQ(refusal<PermanentError>("analytics", at(kNoon, R"({"eventId":"e","eventType":)"
                                                           R"("ORDER_CREATED","items":[]})"))
                .code(),
            "no_items");
  EXPECT_THAT(
      refusal<PermanentError>("analytics", at(kNoon, with(kCancelled, "sellerIds", "x"))).what(),
      HasSubstr("no \"/sellerIds\""));
  EXPECT_THAT(days(), IsEmpty());
}

}  // namespace
}  // namespace kinbox::testing
