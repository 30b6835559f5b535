#include "sqlite/writer_gate.hpp"

#include <gmock/gmock.h>

#include <future>
#include <thread>
#include <vector>

#include "support/eventually.hpp"

namespace kinbox::sqlite {
namespace {

using std::chrono::steady_clock;
using ::testing::ElementsAre;

WriterGate::Deadline in(std::chrono::milliseconds time) { return steady_clock::now() + time; }
WriterGate::Deadline soon() { return in(std::chrono::milliseconds(20)); }
WriterGate::Deadline late() { return in(std::chrono::seconds(30)); }

TEST(WriterGate, LetsOneThroughAtATime) {
  const auto gate = std::make_shared<WriterGate>();
  auto turn = gate->enter(soon());
  EXPECT_TRUE(turn);
  EXPECT_FALSE(gate->enter(soon()));
  turn.give_back();
  EXPECT_TRUE(gate->enter(soon()));
}

TEST(WriterGate, ATurnIsGivenBackWhenItIsDestroyed) {
  const auto gate = std::make_shared<WriterGate>();
  { const auto turn = gate->enter(soon()); }
  EXPECT_TRUE(gate->enter(soon()));
}

TEST(WriterGate, AMovedTurnIsGivenBackOnce) {
  const auto gate = std::make_shared<WriterGate>();
  auto first = gate->enter(soon());
  auto second = std::move(first);
  first.give_back();
  EXPECT_FALSE(gate->enter(soon()));
  second = WriterGate::Turn();
  EXPECT_TRUE(gate->enter(soon()));
}

TEST(WriterGate, WaitersAreServedInOrderOfArrival) {
  const auto gate = std::make_shared<WriterGate>();
  auto turn = gate->enter(soon());
  std::vector<std::size_t> served;
  std::vector<std::thread> waiters;
  for (std::size_t i = 0; i < 4; ++i) {
    waiters.emplace_back([&, i] {
      const auto mine = gate->enter(late());
      served.push_back(i);
    });
    ASSERT_TRUE(testing::eventually([&] { return gate->waiting() == i + 1; }));
  }
  turn.give_back();
  for (auto& waiter : waiters) waiter.join();
  EXPECT_THAT(served, ElementsAre(0, 1, 2, 3));
}

TEST(WriterGate, ANewcomerDoesNotOvertakeAWaiter) {
  const auto gate = std::make_shared<WriterGate>();
  auto turn = gate->enter(soon());
  std::promise<void> leave;
  std::thread waiter([&] {
    const auto mine = gate->enter(late());
    leave.get_future().wait();
  });
  ASSERT_TRUE(testing::eventually([&] { return gate->waiting() == 1; }));
  turn.give_back();
  // Whether the waiter has woken up by now or not: the turn is its own.
  EXPECT_FALSE(gate->enter(soon()));
  leave.set_value();
  waiter.join();
  EXPECT_TRUE(gate->enter(soon()));
}

TEST(WriterGate, AWaiterWhoGaveUpIsForgotten) {
  const auto gate = std::make_shared<WriterGate>();
  auto turn = gate->enter(soon());
  EXPECT_FALSE(gate->enter(soon()));
  EXPECT_EQ(gate->waiting(), 0u);
  turn.give_back();
  EXPECT_TRUE(gate->enter(soon()));
}

TEST(WriterGate, OneFileHasOneGate) {
  const auto gate = WriterGate::of("/some/file");
  EXPECT_EQ(gate, WriterGate::of("/some/file"));
  EXPECT_NE(gate, WriterGate::of("/another/file"));
}

}  // namespace
}  // namespace kinbox::sqlite
