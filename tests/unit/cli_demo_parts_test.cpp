#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "cli/config/load.hpp"
#include "cli/config/redact.hpp"
#include "cli/demo/evidence.hpp"
#include "cli/demo/narrator.hpp"
#include "cli/demo/order_events.hpp"
#include "cli/demo/send.hpp"
#include "cli/demo/stage.hpp"
#include "cli/demo/step_gate.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::cli {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

TEST(DemoOrders, TheSameNumberIsTheSameEventByteForByte) {
  const OrderEvents events("t", "run1");
  EXPECT_EQ(events.order(3), events.order(3));
  EXPECT_NE(events.order(3).value, events.order(4).value);
  EXPECT_NE(OrderEvents("t", "run2").order(3).value, events.order(3).value);
}

TEST(DemoOrders, LooksAsTheGuidesWriteIt) {
  const auto record = OrderEvents("t", "run1").order(3);
  const auto order = nlohmann::json::parse(*record.value);
  for (const auto* field : {"eventId", "eventType", "orderId", "buyerId", "sellerIds",
                            "totalAmount", "orderNumber", "buyerEmail", "items"})
    EXPECT_TRUE(order.contains(field)) << field;
  EXPECT_EQ(order["items"].dump(),
            R"([{"productId":"product-3","quantity":2,"sellerId":"seller-0","unitPrice":"15.25"}])")
      << "twice 15.25 is the total, 30.5";
  EXPECT_EQ(order["totalAmount"], 30.5);
  EXPECT_EQ(order["eventType"], "ORDER_CREATED");
  EXPECT_EQ(*record.key, order["orderId"]);
}

TEST(DemoOrders, SayWhatBecameOfThem) {
  const auto record = OrderEvents("t", "run1").status(3, "statuses", "ORDER_CANCELLED");
  const auto event = nlohmann::json::parse(*record.value);
  EXPECT_EQ(record.topic, "statuses");
  EXPECT_EQ(record.key, OrderEvents("t", "run1").order(3).key);
  EXPECT_EQ(event["eventType"], "ORDER_CANCELLED");
  EXPECT_EQ(event["status"], "CANCELLED");
  EXPECT_EQ(event["orderId"], *record.key);
  for (const auto* field : {"eventId", "orderNumber", "buyerId", "sellerIds", "previousStatus"})
    EXPECT_TRUE(event.contains(field)) << field;
}

TEST(DemoOrders, BrokenPayloadIsNoJson) {
  EXPECT_FALSE(nlohmann::json::accept(*OrderEvents("t", "r").broken(1).value));
}

/// A gate and the parent's end of its socket.
class DemoGate : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends_), 0); }
  void TearDown() override {
    close(ends_[0]);
    close(ends_[1]);
  }
  char read_byte() {
    char byte = 0;
    EXPECT_EQ(recv(ends_[0], &byte, 1, 0), 1);
    return byte;
  }
  void answer(char byte) { ASSERT_EQ(::send(ends_[0], &byte, 1, 0), 1); }

  int ends_[2]{};
};

TEST_F(DemoGate, StandsAtEachStepUntilToldToGo) {
  StepGate gate(ends_[1]);
  std::atomic<int> passed{0};
  std::jthread child([&] {
    gate.on_step(Step::kOpened);
    ++passed;
    gate.on_step(Step::kCommitted);
    ++passed;
  });
  EXPECT_EQ(step_from(read_byte()), Step::kOpened);
  EXPECT_EQ(passed, 0);
  answer(kGo);
  EXPECT_EQ(step_from(read_byte()), Step::kCommitted);
  EXPECT_EQ(passed, 1);
  answer(kGo);
}

TEST_F(DemoGate, WorkersAskOneAfterAnother) {
  StepGate gate(ends_[1]);
  std::jthread one([&] { gate.on_step(Step::kOpened); });
  std::jthread other([&] { gate.on_step(Step::kOpened); });
  for (int asked = 0; asked < 2; ++asked) {
    EXPECT_EQ(step_from(read_byte()), Step::kOpened);
    char byte = 0;
    EXPECT_EQ(recv(ends_[0], &byte, 1, MSG_DONTWAIT), -1) << "the other one waits its turn";
    answer(kGo);
  }
}

TEST_F(DemoGate, AsksNoMoreWhenSetFree) {
  StepGate gate(ends_[1]);
  answer(kRunFree);
  gate.on_step(Step::kFetched);
  gate.on_step(Step::kOpened);
  EXPECT_EQ(step_from(read_byte()), Step::kFetched);
  char byte = 0;
  EXPECT_EQ(recv(ends_[0], &byte, 1, MSG_DONTWAIT), -1);
}

TEST_F(DemoGate, EndsTheProcessWhenTheParentIsGone) {
  StepGate gate(ends_[1]);
  close(ends_[0]);
  EXPECT_EXIT(gate.on_step(Step::kFetched), ::testing::ExitedWithCode(1), "");
}

TEST_F(DemoGate, AParentThatIsGoneAlreadyEndsTheProcess) {
  const auto stay = [this] {
    die_with_parent(ends_[1]);
    _exit(0);
  };
  EXPECT_EXIT(stay(), ::testing::ExitedWithCode(0), "");
  close(ends_[0]);
  EXPECT_EXIT(stay(), ::testing::ExitedWithCode(1), "");
}

TEST(DemoSteps, TravelAsBytes) {
  for (const auto step :
       {Step::kFetched, Step::kOpened, Step::kClaimed, Step::kHandled, Step::kBeforeCommit,
        Step::kCommitSent, Step::kCommitted, Step::kBeforeTell})
    EXPECT_EQ(step_from(to_byte(step)), step);
  EXPECT_EQ(step_from('x'), std::nullopt);
  EXPECT_EQ(step_from('\0'), std::nullopt);
}

TEST(DemoNarrator, SaysWhatItWaitsForAndHowLongItTook) {
  std::ostringstream out;
  Narrator narrator(out);
  narrator.act("First");
  int looks = 0;
  narrator.wait("the third look", [&] { return ++looks == 3; });
  EXPECT_THAT(out.str(), MatchesRegex("\n1. First\n   waiting for the third look  0.[0-9] s\n"));
}

TEST(DemoNarrator, GivesUpInTheEnd) {
  std::ostringstream out;
  try {
    Narrator(out).wait(
        "never", [] { return false; }, 50ms);
    FAIL();
  } catch (const DemoFailed& e) {
    EXPECT_THAT(e.what(), HasSubstr("for never"));
  }
}

TEST(DemoEvidence, ShowsWhichInvariantDoesNotHold) {
  const auto table = to_table({{"a", 2, 2}, {"b", 12, 13}});
  EXPECT_EQ(table.rows[0][3], Cell(std::string("yes")));
  EXPECT_EQ(table.rows[1][3], Cell(std::string("NO")));
}

/// Answers each record with what the script says.
class ScriptedPublisher : public Publisher {
 public:
  explicit ScriptedPublisher(Delivery::Outcome outcome) : outcome_(outcome) {}
  void publish(std::uint64_t ticket, const OwnedRecord&) override {
    if (answers_) deliveries_.push_back({ticket, outcome_, "no such topic"});
  }
  std::vector<Delivery> wait(std::chrono::milliseconds) override {
    return std::exchange(deliveries_, {});
  }
  bool answers_ = true;

 private:
  Delivery::Outcome outcome_;
  std::vector<Delivery> deliveries_;
};

TEST(DemoSend, WaitsUntilAllAreDelivered) {
  ScriptedPublisher publisher(Delivery::Outcome::kDelivered);
  const std::vector<OwnedRecord> records(3);
  EXPECT_NO_THROW(send(publisher, records, 1s));
}

TEST(DemoSend, ThrowsWhenOneIsNotTaken) {
  ScriptedPublisher publisher(Delivery::Outcome::kRefused);
  const std::vector<OwnedRecord> records(1);
  EXPECT_THROW(send(publisher, records, 1s), InfrastructureError);
}

TEST(DemoSend, ThrowsWhenNobodyAnswers) {
  ScriptedPublisher publisher(Delivery::Outcome::kDelivered);
  publisher.answers_ = false;
  const std::vector<OwnedRecord> records(1);
  EXPECT_THROW(send(publisher, records, 20ms), InfrastructureError);
}

TEST(DemoStageConfig, QuotesWhateverAUrlHolds) {
  const std::string url = "postgresql://u:p'w${x}:#@h/db?a=b";
  const auto config =
      parse_config("kafka: {bootstrap.servers: b}\ndatabase: {postgres: " + yaml_quoted(url) +
                       "}\nconsumers: [{name: n, topics: [t], handlers: [h]}]",
                   "k.yaml", {});
  EXPECT_EQ(std::get<PostgresConfig>(config.database).uri, url);
}

TEST(RedactedUri, HidesPasswordsInEveryNotation) {
  EXPECT_EQ(redacted_uri("postgresql://u:pw@h:5/db"), "postgresql://u:***@h:5/db");
  EXPECT_EQ(redacted_uri("postgres://u:p@w@h/db"), "postgres://u:***@h/db");
  EXPECT_EQ(redacted_uri("postgresql://u@h/db"), "postgresql://u@h/db");
  EXPECT_EQ(redacted_uri("postgresql://h/db?password=pw&user=u"),
            "postgresql://h/db?password=***&user=u");
  EXPECT_EQ(redacted_uri("postgresql:///db?host=/tmp&user=a@b"),
            "postgresql:///db?host=/tmp&user=a@b");
  EXPECT_EQ(redacted_uri("host=h user=u password='a b' dbname=d"), "host=h user=u password=***");
  EXPECT_EQ(redacted_uri("host=h dbname=d"), "host=h dbname=d");
}

}  // namespace
}  // namespace kinbox::cli
