// The examples' programs, as their users run them: a configuration, a broker, a database.
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "kinbox/kafka/mock_cluster.hpp"
#include "kinbox/kafka/source.hpp"
#include "kinbox/sqlite/database.hpp"
#include "support/child_process.hpp"
#include "support/kafka.hpp"
#include "support/temporary_directory.hpp"

namespace kinbox::testing {
namespace {

using ::testing::HasSubstr;

class Example : public ::testing::Test {
 protected:
  /// Events of one key, for partition 0 of a new topic.
  void produce_events(const std::string& topic, const std::vector<std::string>& events) {
    cluster_.create_topic(topic, 1);
    std::vector<OwnedRecord> records;
    records.reserve(events.size());
    for (const auto& event : events) records.push_back(text_record(topic, 0, event));
    produce(cluster_.bootstrap_servers(), records);
  }

  /// Runs `program` with a copy of the example's configuration; gives what it wrote to stdout.
  std::string run(const std::string& program, const std::string& example,
                  const std::vector<std::string>& arguments) {
    std::filesystem::copy_file(
        std::filesystem::path(KINBOX_SOURCE_DIR) / "examples" / example / "kinbox.yaml",
        folder_ / "kinbox.yaml", std::filesystem::copy_options::overwrite_existing);
    return start(program, arguments);
  }

  /// The same with the configuration that is there.
  std::string start(const std::string& program, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), program);
    arguments.insert(arguments.end(), {"-c", (folder_ / "kinbox.yaml").string()});
    ChildProcess child(
        arguments,
        {.environment = {{"KINBOX_KAFKA_BOOTSTRAP_SERVERS", cluster_.bootstrap_servers()}}});
    const auto status = child.wait_for(std::chrono::seconds{60});
    EXPECT_EQ(status, (ExitStatus{.code = 0, .signal = {}}))
        << child.output(ChildProcess::Stream::kErr);
    return child.output();
  }

  std::int64_t number(const char* database, const char* sql) {
    const auto file = (folder_ / database).string();
    const auto connection = sqlite::open({.path = file, .create = false});
    return connection->begin()->query(sql)[0].get<std::int64_t>(0);
  }

  kafka::MockCluster cluster_;
  TemporaryDirectory folder_;
};

class MinimalExample : public Example {};

TEST_F(MinimalExample, AppliesEachOrderOnceAndSaysSo) {
  const std::string order =
      R"("eventType": "ORDER_CREATED", "buyerId": "b-1", "totalAmount": 9.90)";
  const auto first = R"({"eventId": "e-1", "orderId": "o-1", )" + order + '}';
  const auto second = R"({"eventId": "e-2", "orderId": "o-2", )" + order + '}';
  produce_events("marketplace.order.created", {first, second, first});

  const std::string program = KINBOX_BINARY_DIR "/examples/01_minimal/minimal";
  run(program, "01_minimal", {"run", "--until-idle"});
  EXPECT_EQ(number("orders.db", "SELECT count(*) FROM orders WHERE total = '9.90'"), 2);
  EXPECT_THAT(run(program, "01_minimal", {"status", "-o", "csv"}),
              HasSubstr("orders,marketplace.order.created,0,stopped,3,3,0,0,,2,1,0"));
}

class OrderPipelineExample : public Example {
 protected:
  static constexpr auto* kExample = "02_order_pipeline";
  const std::string program_ = KINBOX_BINARY_DIR "/kinbox";

  /// Four orders of two pieces each; there are six. One is cancelled, another shipped. All comes
  /// twice, and what happened to the orders before the orders themselves.
  void produce_all() {
    for (const auto* topic : {"marketplace.inventory", "marketplace.payment"})
      cluster_.create_topic(topic, 1);
    produce_events("marketplace.stock.received",
                   {R"({"eventId": "r-1", "eventType": "STOCK_RECEIVED", "productId": "p-1", )"
                    R"("quantity": 6})"});
    const auto cancelled = ended("o-2", "ORDER_CANCELLED");
    const auto shipped = ended("o-1", "ORDER_SHIPPED");
    produce_events("marketplace.order.status-changed", {cancelled, shipped, cancelled, shipped});
    std::vector<std::string> orders;
    for (const auto* id : {"o-1", "o-2", "o-3", "o-4", "o-1", "o-2", "o-3", "o-4"})
      orders.push_back(created(id));
    produce_events("marketplace.order.created", orders);
  }

  static std::string event(const std::string& id, const std::string& type) {
    return R"({"eventId": ")" + type + id + R"(", "eventType": ")" + type + R"(", "orderId": ")" +
           id + R"(", "orderNumber": "N)" + id + R"(", "buyerId": "b-1", )" +
           R"("buyerEmail": "b@shop.example", "sellerIds": ["s-1", "s-2"])";
  }
  static std::string created(const std::string& id) {
    return event(id, "ORDER_CREATED") +
           R"(, "totalAmount": 30.5, "items": [{"productId": "p-1", "sellerId": "s-1", )"
           R"("quantity": 2, "unitPrice": "15.25"}]})";
  }
  static std::string ended(const std::string& id, const std::string& type) {
    return event(id, type) + R"(, "status": "X", "previousStatus": "Y"})";
  }

  std::int64_t count(const char* sql) { return number("orders.db", sql); }

  void expect_each_effect_once() {
    EXPECT_EQ(count("SELECT count(*) FROM email_outbox WHERE email_type = 'order_confirmation'"),
              4);
    EXPECT_EQ(count("SELECT available + reserved FROM inventory_stock"), 6);
    EXPECT_EQ(count("SELECT count(*) FROM inventory_orders"), 4);
    EXPECT_EQ(count("SELECT -balance FROM payment_accounts WHERE account = 'buyer:b-1'"), 9150);
    EXPECT_EQ(count("SELECT sum(balance) FROM payment_accounts"), 0);
    EXPECT_EQ(count("SELECT count(*) FROM notifications"), 6 * 3);
    EXPECT_EQ(count("SELECT sum(orders) FROM analytics_seller_days"), 4);
    EXPECT_EQ(count("SELECT sum(revenue_cents) FROM analytics_seller_days"), 4 * 3050);
    EXPECT_EQ(count("SELECT sum(cancelled_orders) FROM analytics_seller_days"), 2);
    EXPECT_EQ(count("SELECT count(*) FROM outbox WHERE event_type LIKE 'payment.%'"), 5);
    EXPECT_EQ(count("SELECT count(*) FROM dead_letters"), 0);
  }
};

TEST_F(OrderPipelineExample, RunsAllFiveInOneProcess) {
  produce_all();
  run(program_, kExample, {"run", "--until-idle"});
  expect_each_effect_once();
  EXPECT_EQ(count("SELECT count(*) FROM outbox WHERE state <> 'sent'"), 0);
  EXPECT_EQ(count("SELECT count(*) FROM email_outbox WHERE state = 'sent'"), 5);
}

TEST_F(OrderPipelineExample, RunsEachInAProcessOfItsOwnWithTheSameFile) {
  produce_all();
  run(program_, kExample, {"migrate", "up"});
  std::vector<std::thread> processes;
  for (const auto* consumer :
       {"analytics", "email_confirmation", "inventory", "notification", "payment"})
    processes.emplace_back([this, consumer] {
      start(program_, {"run", "--until-idle", "--consumer", consumer});
    });
  for (auto& process : processes) process.join();
  expect_each_effect_once();
}

class CreditAccountExample : public Example {};

TEST_F(CreditAccountExample, CreditsAPaymentThatComesTwiceOnce) {
  const std::string payment =
      R"({"eventId": "e-1", "eventType": "PAYMENT_CAPTURED", "account": "a-1", "cents": 1250})";
  produce_events("payments.captured", {payment, payment});

  // tests/package/build_outside runs this test on a binary that it built elsewhere.
  const char* elsewhere = std::getenv("KINBOX_CREDIT_ACCOUNT_EXAMPLE");
  run(elsewhere != nullptr ? elsewhere
                           : KINBOX_BINARY_DIR "/examples/04_custom_handler_project/bank",
      "04_custom_handler_project", {"run", "--until-idle"});
  EXPECT_EQ(number("bank.db", "SELECT cents FROM balances WHERE account = 'a-1'"), 1250);
  EXPECT_EQ(number("bank.db", "SELECT count(*) FROM outbox WHERE state = 'sent'"), 1);
}

class ProducerOutboxExample : public Example {
 protected:
  /// Runs the shop to its end with these lines; gives its exit code and what it said.
  std::pair<ExitStatus, std::string> shop(const std::string& orders) {
    ChildProcess child({KINBOX_BINARY_DIR "/examples/03_producer_outbox/shop",
                        cluster_.bootstrap_servers(), (folder_ / "shop.db").string()});
    child.send(orders);
    child.close_input();
    const auto status = child.wait_for(std::chrono::seconds{60});
    return {status.value_or(ExitStatus{}), child.output(ChildProcess::Stream::kErr)};
  }

  /// Everything on the topic, once there are `count` records.
  std::vector<OwnedRecord> placed(std::size_t count) {
    LibraryMessages messages;
    RecordingListener listener;
    const auto source = kafka::make_source(
        {.settings = kafka::Settings(fast_settings(cluster_.bootstrap_servers())),
         .group = "look",
         .topics = {kTopic}},
        messages);
    source->subscribe(listener);
    return poll_records(*source, count);
  }

  static constexpr auto* kTopic = "shop.order.placed";
};

TEST_F(ProducerOutboxExample, SendsAnEventForEachOrderAndNoneForWhatIsRefused) {
  cluster_.create_topic(kTopic, 1);
  const ExitStatus good{.code = 0, .signal = {}};
  const auto first = shop("o-1 {\"total\": 9.90}\no-2 {\"total\": 5}\n");
  EXPECT_EQ(first.first, good) << first.second;
  const auto again = shop("o-2 {\"total\": 6}\n");
  EXPECT_EQ(again.first, (ExitStatus{.code = 1, .signal = {}}));
  EXPECT_THAT(again.second, HasSubstr("shop: "));
  const auto last = shop("o-3 {}\n");
  EXPECT_EQ(last.first, good) << last.second;

  EXPECT_EQ(number("shop.db", "SELECT count(*) FROM orders"), 3);
  EXPECT_EQ(number("shop.db", "SELECT count(*) FROM outbox WHERE state = 'sent'"), 3);
  const auto records = placed(3);
  EXPECT_EQ(records.at(0).key, "o-1");
  EXPECT_EQ(records.at(0).value, "{\"total\": 9.90}");
  EXPECT_EQ(records.at(2).key, "o-3");
  const Record record(records.at(1));
  EXPECT_EQ(as_text(*record.header("ce_id")), "placed-o-2");
  EXPECT_EQ(as_text(*record.header("ce_source")), "/shop/orders");
}

}  // namespace
}  // namespace kinbox::testing
