#include "handlers/handlers.hpp"

#include "support/handler_contract.hpp"

namespace kinbox::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const char* const kOrder =
    R"({"eventId":"e-1","eventType":"ORDER_CREATED","orderId":"o-1","buyerId":"b-1",)"
    R"("sellerIds":["s-1","s-2"],"totalAmount":129.90,"orderNumber":"2024-17",)"
    R"("buyerEmail":"zoe@example.com"})";

const char* const kShipped =
    R"({"eventId":"e-7","eventType":"ORDER_SHIPPED","orderId":"o-1","orderNumber":"2024-17",)"
    R"("buyerId":"b-1","buyerEmail":"zoe@example.com","sellerIds":["s-1"],"status":"SHIPPED",)"
    R"("previousStatus":"PAID"})";
const char* const kShippedAgain =
    R"({"eventId":"e-8","eventType":"ORDER_SHIPPED","orderId":"o-1","orderNumber":"2024-17",)"
    R"("buyerId":"b-1","buyerEmail":"other@example.com","sellerIds":["s-1"],"status":"SHIPPED",)"
    R"("previousStatus":"PAID"})";

std::string order_with(const std::string& piece, const std::string& instead) {
  return with(kOrder, piece, instead);
}

class ShippedHandlers : public HandlerContract {
 protected:
  std::int64_t mails() { return number("SELECT count(*) FROM {kinbox}.email_outbox"); }
};

TEST_P(ShippedHandlers, OrderViewKeepsARowPerOrder) {
  handle("order_view", kOrder);
  EXPECT_THAT(row("SELECT order_id, order_number, buyer_id, total_amount, version "
                  "FROM {kinbox}.order_view"),
              ElementsAre("o-1", "2024-17", "b-1", "129.90", "1"));
  const std::string sellers =
      is_sqlite() ? "json_array_length(seller_ids)" : "jsonb_array_length(seller_ids)";
  EXPECT_EQ(number("SELECT " + sellers + " FROM {kinbox}.order_view"), 2);
}

TEST_P(ShippedHandlers, OrderViewReplacesTheRowForALaterEventAndCountsIt) {
  handle("order_view", kOrder);
  handle("order_view", order_with("129.90", "1.5"));
  EXPECT_THAT(row("SELECT total_amount, version FROM {kinbox}.order_view"),
              ElementsAre("1.5", "2"));
}

TEST_P(ShippedHandlers, OrderViewKeepsMoneyThatNoDoubleHolds) {
  const std::string amount = "12345678901234567890.10";
  handle("order_view", order_with("129.90", amount));
  EXPECT_THAT(row("SELECT total_amount FROM {kinbox}.order_view"), ElementsAre(amount));
}

TEST_P(ShippedHandlers, OrderViewTakesNumbersForIds) {
  handle("order_view", order_with("\"o-1\"", "4711"));
  EXPECT_THAT(row("SELECT order_id FROM {kinbox}.order_view"), ElementsAre("4711"));
}

TEST_P(ShippedHandlers, OrderViewNamesTheFieldThatIsMissing) {
  for (const char* field : {"orderId", "orderNumber", "buyerId", "sellerIds", "totalAmount"})
    EXPECT_THAT(refusal<PermanentError>("order_view", order_with(field, "other")).what(),
                HasSubstr(std::string("\"/") + field + '"'));
  EXPECT_THAT(
      refusal<PermanentError>("order_view", order_with(R"(["s-1","s-2"])", "\"s-1\"")).what(),
      HasSubstr("not an array"));
}

TEST_P(ShippedHandlers, EmailConfirmationWritesOnePendingMail) {
  handle("email_confirmation", kOrder, {{"message_id.domain", "shop.example"}});
  EXPECT_THAT(row("SELECT order_id, email_type, revision, recipient, message_id, event_id, state, "
                  "attempts, lease_token FROM {kinbox}.email_outbox"),
              ElementsAre("o-1", "order_confirmation", "1", "zoe@example.com",
                          "<order_confirmation.o-1.1@shop.example>", "e-1", "pending", "0", ""));
  EXPECT_THAT(row("SELECT payload FROM {kinbox}.email_outbox"), ElementsAre(kOrder));
}

TEST_P(ShippedHandlers, EmailConfirmationMailsAnOrderOnce) {
  handle("email_confirmation", kOrder);
  handle("email_confirmation", order_with("e-1", "e-2"));
  EXPECT_EQ(mails(), 1);
  EXPECT_THAT(row("SELECT event_id FROM {kinbox}.email_outbox"), ElementsAre("e-1"));
  handle("email_confirmation", order_with("o-1", "o-2"));
  EXPECT_EQ(mails(), 2);
}

TEST_P(ShippedHandlers, EmailConfirmationTellsTheBuyerOnceThatTheOrderIsOnItsWay) {
  handle("email_confirmation", kOrder);
  handle("email_confirmation", kShipped);
  handle("email_confirmation", kShippedAgain);
  EXPECT_EQ(mails(), 2);
  EXPECT_THAT(
      row("SELECT order_id, revision, recipient, message_id, event_id "
          "FROM {kinbox}.email_outbox WHERE email_type = 'order_shipped'"),
      ElementsAre("o-1", "1", "zoe@example.com", "<order_shipped.o-1.1@kinbox.invalid>", "e-7"));
  std::string without = kShipped;
  without.replace(without.find("buyerEmail"), 10, "nobody");
  EXPECT_THAT(refusal<PermanentError>("email_confirmation", without).what(),
              HasSubstr("no \"/buyerEmail\""));
}

TEST_P(ShippedHandlers, EmailConfirmationFindsTheRecipientWhereToldTo) {
  handle("email_confirmation", order_with("buyerEmail", "mail"), {{"recipient.pointer", "/mail"}});
  EXPECT_THAT(row("SELECT recipient FROM {kinbox}.email_outbox"), ElementsAre("zoe@example.com"));
}

TEST_P(ShippedHandlers, EmailConfirmationFindsTheRecipientBySql) {
  script(
      "CREATE TABLE {kinbox}.users (id TEXT, email TEXT);"
      "INSERT INTO {kinbox}.users VALUES ('b-1', 'sql@example.com'), ('b-null', NULL),"
      " ('b-two', 'a@example.com'), ('b-two', 'b@example.com')");
  const Settings by_sql{{"recipient.sql", "SELECT email FROM {kinbox}.users WHERE id = $1"}};
  const auto of_buyer = [](const std::string& buyer) { return order_with("b-1", buyer); };
  EXPECT_EQ(refusal<RetryableError>("email_confirmation", of_buyer("b-9"), by_sql).code(),
            "recipient_missing");
  EXPECT_EQ(refusal<PermanentError>("email_confirmation", of_buyer("b-null"), by_sql).code(),
            "recipient_missing");
  EXPECT_EQ(refusal<PermanentError>("email_confirmation", of_buyer("b-two"), by_sql).code(),
            "recipient_unusable");
  EXPECT_EQ(mails(), 0);
  handle("email_confirmation", kOrder, by_sql);
  EXPECT_THAT(row("SELECT recipient FROM {kinbox}.email_outbox"), ElementsAre("sql@example.com"));
}

TEST_P(ShippedHandlers, EmailConfirmationRefusesAnAddressThatIsNoneWithoutTellingIt) {
  for (const char* address :
       {"zoe", "@example.com", "zoe@", "a@b\\r\\nBcc: c@d", "a b@c", "a@b,c@d", "<a@b>", "a@b;"}) {
    const auto error =
        refusal<PermanentError>("email_confirmation", order_with("zoe@example.com", address));
    EXPECT_EQ(error.code(), "recipient_unusable") << address;
    EXPECT_STREQ(error.what(), "the buyer's e-mail address is none");
  }
  EXPECT_EQ(refusal<PermanentError>("email_confirmation",
                                    order_with("zoe@example.com", std::string(320, 'a') + "@b"))
                .code(),
            "recipient_unusable");
  EXPECT_EQ(refusal<PermanentError>("email_confirmation", order_with("zoe@example.com", "")).code(),
            "recipient_missing");
  EXPECT_THAT(refusal<PermanentError>("email_confirmation", order_with("buyerEmail", "x")).what(),
              HasSubstr("no \"/buyerEmail\""));
}

TEST_P(ShippedHandlers, MessageIdsHoldNothingThatAHeaderMustNot) {
  handle("email_confirmation", order_with("o-1", "a.b> \\r\\n\\u00e9"));
  EXPECT_THAT(row("SELECT message_id FROM {kinbox}.email_outbox"),
              ElementsAre("<order_confirmation.a%2Eb%3E%20%0D%0A%C3%A9.1@kinbox.invalid>"));
}

TEST_P(ShippedHandlers, SettingsThatCannotWorkAreRefusedAtStart) {
  const auto refused = [&](const Settings& settings) {
    return problem_with("email_confirmation", settings);
  };
  EXPECT_EQ(refused({}), "accepted");
  EXPECT_THAT(refused({{"recipient.pointer", "/a"}, {"recipient.sql", "SELECT $1"}}),
              HasSubstr("either pointer or sql"));
  EXPECT_THAT(refused({{"recipient.sql", "SELECT email FROM users"}}), HasSubstr("$1"));
  EXPECT_THAT(refused({{"recipient.sql", ""}}), HasSubstr("$1"));
  EXPECT_THAT(refused({{"recipient.pointer", "mail"}}), HasSubstr("start with '/'"));
  for (const char* domain : {"", ".a", "a.", "a..b", "a b", "a>b", "a_b"})
    EXPECT_THAT(refused({{"message_id.domain", domain}}), HasSubstr("domain name")) << domain;
}

KINBOX_FOR_ALL_DATABASES(ShippedHandlers);

}  // namespace
}  // namespace kinbox::testing
