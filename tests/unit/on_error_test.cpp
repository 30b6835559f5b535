#include "kinbox/on_error.hpp"

#include <gmock/gmock.h>

#include "core/failover_topics.hpp"
#include "core/ladder.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/parked_queues.hpp"

namespace kinbox::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

Diagnosis failed(bool permanent = false) {
  Diagnosis diagnosis;
  diagnosis.permanent = permanent;
  return diagnosis;
}

OnError parking() {
  OnError on_error;
  on_error.then = Then::kPark;
  on_error.park.delays = {10s, 1min};
  return on_error;
}

OnError to_handler(const std::string& handler) {
  OnError on_error;
  on_error.then = Then::kFailOver;
  on_error.fail_over.handler = handler;
  return on_error;
}

TEST(Ladder, RetriesEndWithTheAttempts) {
  OnError on_error;
  on_error.retry = {.max_attempts = 3, .first_delay = 100ms, .max_delay = 1s};
  EXPECT_EQ(retry_delay(on_error, failed(), 1, 0ms, 0.5), 50ms);
  EXPECT_EQ(retry_delay(on_error, failed(), 2, 0ms, 0.5), 100ms);
  EXPECT_EQ(retry_delay(on_error, failed(), 3, 0ms, 0.5), std::nullopt);
  EXPECT_EQ(retry_delay(on_error, failed(true), 1, 0ms, 0.5), std::nullopt);
}

TEST(Ladder, RetriesEndWithTheTimeTheyMayTake) {
  OnError on_error;
  on_error.retry = {.max_attempts = 100, .first_delay = 1s, .max_delay = 1s, .max_elapsed = 3s};
  EXPECT_EQ(retry_delay(on_error, failed(), 1, 2s, 0.5), 500ms);
  EXPECT_EQ(retry_delay(on_error, failed(), 1, 2'600ms, 0.5), std::nullopt);
}

TEST(Ladder, TheHandlersOwnDelayCounts) {
  auto diagnosis = failed();
  diagnosis.retry_after = 7s;
  EXPECT_EQ(retry_delay(OnError{}, diagnosis, 1, 0ms, 0.5), 7s);
  EXPECT_EQ(park_delay(parking(), diagnosis, 1), 7s);
}

TEST(Ladder, WhatMayNotBeTriedAgainIsNotParked) {
  EXPECT_EQ(after_retries(parking(), failed()), Then::kPark);
  EXPECT_EQ(after_retries(parking(), failed(true)), Then::kDeadLetter);
  EXPECT_EQ(park_delay(parking(), failed(true), 0), std::nullopt);
}

TEST(Ladder, ParkedEventsWaitLongerEachTimeAndThenNoMore) {
  EXPECT_EQ(park_delay(parking(), failed(), 0), 10s);
  EXPECT_EQ(park_delay(parking(), failed(), 1), 1min);
  EXPECT_EQ(park_delay(parking(), failed(), 2), std::nullopt);
  EXPECT_EQ(park_delay(OnError{}, failed(), 0), std::nullopt) << "parking was switched off";
}

TEST(Ladder, PoisonIsNeverTriedAgain) {
  auto on_error = parking();
  EXPECT_EQ(end_of_poison(on_error), Then::kDeadLetter);
  on_error.park.then = Then::kHalt;
  EXPECT_EQ(end_of_poison(on_error), Then::kHalt);
  EXPECT_EQ(end_of_poison(to_handler("b")), Then::kDeadLetter);
}

TEST(OnErrorRules, TheFirstThatMatchesCounts) {
  OnError on_error;
  on_error.rules.resize(3);
  on_error.rules[0].error_class = ErrorClass::kSql;
  on_error.rules[0].code = "23505";
  on_error.rules[0].on_error.then = Then::kSkip;
  on_error.rules[1].code = "declined";
  on_error.rules[1].on_error.then = Then::kHalt;
  on_error.rules[2].error_class = ErrorClass::kSql;
  on_error.rules[2].on_error.then = Then::kPark;
  EXPECT_EQ(ladder_for(on_error, ErrorClass::kSql, "23505").then, Then::kSkip);
  EXPECT_EQ(ladder_for(on_error, ErrorClass::kSql, "23503").then, Then::kPark);
  EXPECT_EQ(ladder_for(on_error, ErrorClass::kRejection, "declined").then, Then::kHalt);
  EXPECT_EQ(ladder_for(on_error, ErrorClass::kOther, "").then, Then::kDeadLetter);
}

std::string refusal(const std::vector<std::pair<std::string, OnError>>& handlers) {
  std::vector<HandlerLadder> ladders;
  for (const auto& [name, on_error] : handlers) ladders.push_back({name, &on_error});
  try {
    require_usable(ladders);
    return {};
  } catch (const ConfigurationError& e) {
    return e.what();
  }
}

TEST(OnErrorRefuses, DelaysThatShrinkOrAreNone) {
  auto on_error = parking();
  EXPECT_EQ(refusal({{"a", on_error}}), "");
  on_error.park.delays = {1min, 10s};
  EXPECT_THAT(refusal({{"a", on_error}}), HasSubstr("handler \"a\": on_error: park.delays shrink"));
  on_error.park.delays.clear();
  EXPECT_THAT(refusal({{"a", on_error}}), HasSubstr("park.delays is empty"));
  on_error.park.delays = {0s};
  EXPECT_THAT(refusal({{"a", on_error}}), HasSubstr("more than nothing"));
}

TEST(OnErrorRefuses, ParkingThatEndsInParking) {
  auto on_error = parking();
  on_error.park.then = Then::kPark;
  EXPECT_THAT(refusal({{"a", on_error}}), HasSubstr("park.then cannot be park"));
}

TEST(OnErrorRefuses, FailoverToNobody) {
  EXPECT_THAT(refusal({{"a", to_handler("")}}), HasSubstr("needs a handler or a topic"));
  EXPECT_THAT(refusal({{"a", to_handler("x")}}), HasSubstr("no handler \"x\""));
  auto both = to_handler("b");
  both.fail_over.topic = "t";
  EXPECT_THAT(refusal({{"a", both}, {"b", {}}}), HasSubstr("not both"));
  OnError topic;
  topic.then = Then::kFailOver;
  topic.fail_over.topic = "no topic!";
  EXPECT_THAT(refusal({{"a", topic}}), HasSubstr("is no topic name"));
}

TEST(OnErrorRefuses, FailoverToItselfAndInACircle) {
  EXPECT_THAT(refusal({{"a", to_handler("a")}}), HasSubstr("fails over to itself"));
  EXPECT_THAT(refusal({{"a", to_handler("b")}, {"b", to_handler("c")}, {"c", to_handler("b")}}),
              HasSubstr("handler \"b\": on_error: fails over to itself"));
  EXPECT_EQ(refusal({{"a", to_handler("b")}, {"b", to_handler("c")}, {"c", {}}}), "");
}

TEST(OnErrorRefuses, ACircleByWayOfARule) {
  OnError by_rule;
  by_rule.rules.push_back({.error_class = ErrorClass::kSql, .on_error = to_handler("a")});
  EXPECT_THAT(refusal({{"a", by_rule}}), HasSubstr("fails over to itself"));
}

TEST(OnErrorRefuses, ARuleThatMatchesEverything) {
  OnError on_error;
  on_error.rules.emplace_back();
  EXPECT_THAT(refusal({{"a", on_error}}), HasSubstr("a rule matches everything"));
}

TEST(OnErrorRefuses, ATopicThatItsConsumerReads) {
  OnError on_error;
  on_error.then = Then::kFailOver;
  on_error.fail_over.topic = "orders";
  const std::vector<HandlerLadder> ladders{{"h", &on_error}};
  const std::vector<std::string> elsewhere{"payments"};
  const std::vector<std::string> here{"payments", "orders"};
  EXPECT_NO_THROW(refuse_own_topics(ladders, elsewhere));
  EXPECT_THAT([&] { refuse_own_topics(ladders, here); },
              ::testing::ThrowsMessage<ConfigurationError>(
                  HasSubstr("failover.topic: orders, which this consumer reads itself")));
  on_error.then = Then::kSkip;
  EXPECT_NO_THROW(refuse_own_topics(ladders, here)) << "nothing fails over";
}

TEST(ParkedQueues, CountAndKnowWhoIsNext) {
  const auto now = ParkedQueues::TimePoint{} + 1h;
  ParkedQueues queues;
  EXPECT_TRUE(queues.empty());
  EXPECT_EQ(queues.next_due(), std::nullopt);
  queues.add(1, 2, now + 10s);
  queues.add(2, 1, now + 5s);
  queues.add(1, 1, now);  // Behind: the first of the queue stays due when it is.
  EXPECT_EQ(queues.waiting(1), 3U);
  EXPECT_EQ(queues.waiting(), 4U);
  EXPECT_EQ(queues.next_due(), now + 5s);
  queues.set_due(2, now + 20s);
  EXPECT_EQ(queues.next_due(), now + 10s);
  for (int i = 0; i < 3; ++i) queues.leave(1);
  EXPECT_FALSE(queues.holds(1));
  EXPECT_EQ(queues.next_due(), now + 20s);
  queues.leave(1);
  queues.set_due(1, now);
  EXPECT_EQ(queues.waiting(), 1U);
  queues.clear();
  EXPECT_TRUE(queues.empty());
  EXPECT_EQ(queues.waiting(), 0U);
}

}  // namespace
}  // namespace kinbox::testing
