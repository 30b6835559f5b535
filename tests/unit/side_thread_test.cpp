#include "core/side_thread.hpp"

#include <gmock/gmock.h>

#include <future>
#include <memory>
#include <stdexcept>
#include <vector>

namespace kinbox {
namespace {

using ::testing::ElementsAre;

TEST(SideThread, DoesPiecesInOrderElsewhere) {
  std::vector<int> done;
  std::thread::id where;
  SideThread<int> thread(2, [&](int piece) {
    done.push_back(piece);
    where = std::this_thread::get_id();
  });
  for (const int piece : {1, 2, 3, 4, 5}) thread.add(piece);
  thread.finish();
  EXPECT_THAT(done, ElementsAre(1, 2, 3, 4, 5));
  EXPECT_NE(where, std::this_thread::get_id());
  thread.add(6);
  thread.finish();
  EXPECT_EQ(done.back(), 6);
}

TEST(SideThread, HandsOnWhatWasThrownAndStops) {
  std::vector<int> done;
  SideThread<int> thread(1, [&](int piece) {
    if (piece == 2) throw std::runtime_error("two");
    done.push_back(piece);
  });
  EXPECT_THROW(for (int piece = 1; piece < 9; ++piece) thread.add(piece), std::runtime_error);
  EXPECT_THROW(thread.finish(), std::runtime_error);
  EXPECT_THROW(thread.add(9), std::runtime_error);
  EXPECT_THAT(done, ElementsAre(1));
}

TEST(SideThread, AwaitsAtItsEndWhatIsBeingDone) {
  std::promise<void> begun;
  std::promise<void> go_on;
  std::vector<int> done;
  auto thread = std::make_unique<SideThread<int>>(8, [&](int piece) {
    if (piece == 1) {
      begun.set_value();
      go_on.get_future().wait();
    }
    done.push_back(piece);
  });
  for (const int piece : {1, 2, 3}) thread->add(piece);
  begun.get_future().wait();
  const auto end = std::async(std::launch::async, [&] { thread.reset(); });
  go_on.set_value();
  end.wait();
  ASSERT_FALSE(done.empty());
  EXPECT_EQ(done.front(), 1);
}

}  // namespace
}  // namespace kinbox
