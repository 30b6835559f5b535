// What the ladder of a failing event does: rules, handlers' own ladders, failover, the budget.
#include <gmock/gmock.h>

#include <atomic>
#include <set>

#include "support/letters.hpp"
#include "support/pipeline.hpp"

namespace kinbox::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ErrorLadder : public Pipeline {
 protected:
  void prepare() override {
    Pipeline::prepare();
    options.dispatch.on_error.retry.max_attempts = 1;
    handle = [this](const Event& event, Transaction& tx) {
      if (event.id().starts_with("bad")) throw BusinessRejection("no", "declined");
      insert_effect(event, tx);
    };
  }

  void run_two() {
    send(p0, "bad");
    send(p0, "fine");
    run_until_idle({p0});
  }
};
KINBOX_FOR_ALL_DATABASES(ErrorLadder);

TEST_P(ErrorLadder, ARuleDecidesByTheCode) {
  auto& rules = options.dispatch.on_error.rules;
  rules.push_back({.code = "other", .on_error = {}});
  rules.push_back({.code = "declined", .on_error = {}});
  rules[1].on_error.then = Then::kSkip;
  run_two();
  EXPECT_EQ(verdict("bad"), "skipped");
  EXPECT_THAT(dead_reasons(), IsEmpty());
}

TEST_P(ErrorLadder, AHandlersOwnLadderComesBeforeItsConsumers) {
  options.dispatch.on_error.then = Then::kHalt;
  own_on_error.emplace();
  own_on_error->then = Then::kSkip;
  run_two();
  EXPECT_EQ(verdict("bad"), "skipped");
}

TEST_P(ErrorLadder, AFailoverToATopicOfItsOwnIsRefused) {
  options.dispatch.on_error.then = Then::kFailOver;
  options.dispatch.on_error.fail_over.topic = p0.topic;
  EXPECT_THAT([&] { run_until_idle({p0}); },
              ::testing::ThrowsMessage<ConfigurationError>(HasSubstr("which this consumer reads")));
}

TEST_P(ErrorLadder, RetriesEndWithTheTimeTheyMayTake) {
  auto& retry = options.dispatch.on_error.retry;
  retry = {.max_attempts = 1'000, .first_delay = 1h, .max_delay = 1h, .max_elapsed = 0ms};
  handle = [](const Event&, Transaction&) { throw std::runtime_error("again"); };
  send(p0, "bad");
  run_until_idle({p0});
  EXPECT_EQ(verdict("bad"), "dead");
}

TEST_P(ErrorLadder, ATopicTakesTheEventInstead) {
  auto& on_error = options.dispatch.on_error;
  on_error.then = Then::kFailOver;
  on_error.fail_over.topic = "orders.manual";
  run_two();
  EXPECT_EQ(verdict("bad"), "skipped");
  EXPECT_EQ(tally(p0), (Tally{.applied = 1, .skipped = 1}));
  EXPECT_THAT(dead_reasons(), IsEmpty());
  EXPECT_THAT(texts("SELECT topic FROM {kinbox}.outbox"), ElementsAre("orders.manual"));
  EXPECT_THAT(texts("SELECT message_id FROM {kinbox}.outbox"),
              ElementsAre("failover:orders:orders.created/0/0"));
  EXPECT_THAT(texts("SELECT causation_id FROM {kinbox}.outbox"), ElementsAre("bad"));
  EXPECT_THAT(texts("SELECT headers FROM {kinbox}.outbox"),
              ElementsAre(HasSubstr("kinbox-error-message")));
  EXPECT_EQ(observer.notices<notice::Skipped>().at(0).failure.reason, "failed_over");
}

TEST_P(ErrorLadder, AnotherHandlerTakesTheEventInstead) {
  auto& on_error = options.dispatch.on_error;
  on_error.then = Then::kFailOver;
  on_error.fail_over.handler = "second";
  second_on_error.emplace();
  second_handle = [this](const Event& event, Transaction& tx) { insert_effect(event, tx); };
  run_two();
  EXPECT_EQ(verdict("bad"), "applied");
  EXPECT_THAT(effects(), ElementsAre("bad", "fine"));
  EXPECT_EQ(tally(p0), (Tally{.applied = 2}));
}

TEST_P(ErrorLadder, IfThatFailsTooItsOwnLadderFollows) {
  auto& on_error = options.dispatch.on_error;
  on_error.then = Then::kFailOver;
  on_error.fail_over.handler = "second";
  second_on_error.emplace();
  second_handle = [](const Event&, Transaction&) { throw PermanentError("nor can I", "neither"); };
  run_two();
  EXPECT_EQ(verdict("bad"), "dead");
  EXPECT_THAT(texts("SELECT handler FROM {kinbox}.dead_letters"), ElementsAre("second"));
  EXPECT_THAT(texts("SELECT error_code FROM {kinbox}.dead_letters"), ElementsAre("neither"));
  EXPECT_THAT(texts("SELECT attempts FROM {kinbox}.dead_letters"), ElementsAre("2"));
  EXPECT_THAT(texts(kTimesOfAttempts), ElementsAre("2"));
  EXPECT_THAT(effects(), ElementsAre("fine"));
}

TEST_P(ErrorLadder, WhatCannotWorkIsRefusedBeforeAnythingRuns) {
  options.dispatch.on_error.then = Then::kFailOver;
  options.dispatch.on_error.fail_over.handler = "calling";
  EXPECT_THROW(member({p0}), ConfigurationError);
}

class Breaker : public Pipeline {
 protected:
  void prepare() override {
    Pipeline::prepare();
    options.dispatch.on_error.retry.max_attempts = 1;
    options.dispatch.dlq_budget = {.capacity = 5, .per_success = 0, .probe_every = 2ms};
    handle = [this](const Event& event, Transaction& tx) {
      if (down) throw std::runtime_error("the dependency is down");
      insert_effect(event, tx);
    };
  }
  static std::string event(int n) { return "e" + std::to_string(n); }
  std::string state() {
    return texts("SELECT state FROM {kinbox}.consumer_progress ORDER BY partition").at(0);
  }

  std::atomic<bool> down = true;
};
KINBOX_FOR_ALL_DATABASES(Breaker);

TEST_P(Breaker, ADeadDependencyCostsTheBudgetAndNothingElse) {
  for (int i = 0; i < 10'000; ++i) send(p0, event(i), std::to_string(i % 7));
  run_until({p0}, [&] { return observer.notices<notice::BreakerOpened>().size() > 3; });
  EXPECT_THAT(dead_reasons(), SizeIs(5));
  EXPECT_EQ(position(p0), 5);
  EXPECT_EQ(state(), "breaker_open");
  down = false;
  run_until_idle({p0});
  EXPECT_THAT(dead_reasons(), SizeIs(5));
  EXPECT_EQ(tally(p0), (Tally{.applied = 9'995, .dead = 5}));
  EXPECT_EQ(state(), "running");
}

TEST_P(Breaker, ItGoesOnByItselfWhenTheDependencyIsBack) {
  for (int i = 0; i < 20; ++i) send(p0, event(i));
  run_until({p0}, [&] {
    if (!observer.notices<notice::BreakerOpened>().empty()) down = false;
    return effects().size() == 15;
  });
  EXPECT_THAT(observer.notices<notice::BreakerClosed>(), SizeIs(1));
  EXPECT_EQ(state(), "running");
}

TEST_P(Breaker, WhatSucceedsPaysForWhatDoesNot) {
  options.dispatch.dlq_budget = {.capacity = 2, .per_success = 0.5, .probe_every = 1h};
  options.dispatch.max_batch = 1;
  down = false;
  handle = [this](const Event& event, Transaction& tx) {
    if (event.id().starts_with("bad")) throw std::runtime_error("bad");
    insert_effect(event, tx);
  };
  // Two are paid at once, the third by the two that succeed before it.
  for (const auto* const id : {"bad1", "bad2", "a", "b", "bad3", "c", "bad4", "d"}) send(p0, id);
  run_until({p0}, [&] { return !observer.notices<notice::BreakerOpened>().empty(); });
  EXPECT_EQ(position(p0), 6);
  EXPECT_THAT(dead_reasons(), SizeIs(3));
}

TEST_P(Breaker, TheBudgetIsOneForAllWorkersAndOutlivesThem) {
  for (int i = 0; i < 10; ++i) send(p0, event(i));
  for (int i = 10; i < 20; ++i) send(p1, event(i));
  for (const auto& partition : {p0, p1, p0})
    run_until({partition}, [&] { return !observer.notices<notice::BreakerOpened>().empty(); });
  EXPECT_THAT(dead_reasons(), SizeIs(5));
}

TEST_P(Breaker, PoisonIsUnderTheBudgetToo) {
  down = false;
  for (int i = 0; i < 8; ++i) log.append_json(p0, "{}");
  send(p0, "fine");
  run_until({p0}, [&] { return observer.notices<notice::BreakerOpened>().size() > 1; });
  EXPECT_THAT(dead_reasons(), SizeIs(5));
  EXPECT_EQ(position(p0), 5);
  EXPECT_THAT(effects(), IsEmpty());
}

TEST_P(Breaker, WhatSomebodyRequestedCostsNothing) {
  options.dispatch.dlq_budget = {.capacity = 1, .per_success = 0, .probe_every = 1h};
  send(p0, event(0));
  run_until_idle({p0});
  ASSERT_THAT(dead_reasons(), SizeIs(1));
  change_from_outside(p0, "UPDATE {kinbox}.letter_states SET state = 'requested'");
  run_until_idle({p0});
  EXPECT_THAT(texts("SELECT redrive_count FROM {kinbox}.dead_letters"), ElementsAre("1"));
  EXPECT_THAT(observer.notices<notice::BreakerOpened>(), IsEmpty());
}

TEST_P(Breaker, AParkedEventWaitsOnInsteadOfDying) {
  options.dispatch.on_error.then = Then::kPark;
  options.dispatch.on_error.park.delays = {1ms};
  options.dispatch.dlq_budget.capacity = 0;
  send(p0, "a1", "a");
  bool tried = false;
  run_until({p0}, [&] {
    const auto tries = texts("SELECT tries FROM {kinbox}.parked_events");
    tried = tried || (!tries.empty() && tries[0] != "0");
    if (tried) down = false;
    return !effects().empty();
  });
  EXPECT_THAT(dead_reasons(), IsEmpty());
  EXPECT_EQ(tally(p0), (Tally{.applied = 1}));
}

}  // namespace
}  // namespace kinbox::testing
