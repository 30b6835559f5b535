// What live workers do while a piece of the past runs again.
#include <gmock/gmock.h>

#include "kinbox/redriver.hpp"
#include "support/replay_scene.hpp"

namespace kinbox::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

class ReplayHold : public ReplayScene {};
KINBOX_FOR_ALL_DATABASES(ReplayHold);

TEST_P(ReplayHold, LivePartitionsWaitUntilItIsDone) {
  process({"a", "b"});
  const auto id = record(reprocess());
  send(p0, "late", "a");
  send(p1, "beside", "b");
  bool waited = false;
  run_until({p0, p1}, [&] {
    if (!waited && effects().size() >= 3) {
      waited = true;
      EXPECT_THAT(effects(), ElementsAre("a", "b", "beside"));
      EXPECT_EQ(observer.notices<notice::Held>().size(), 1U);
      finish(id);
      EXPECT_EQ(texts("SELECT count(*) FROM {kinbox}.consumer_progress WHERE held_by IS NOT NULL"),
                std::vector<std::string>{"0"});
    }
    return waited && effects().size() == 3;
  });
  EXPECT_THAT(effects(), ElementsAre("a", "b", "late")) << "it began with an empty table";
}

TEST_P(ReplayHold, ItReachesToWhereTheLivePositionIsWhenItHolds) {
  process({"a", "b"});
  const auto planned = plan();
  process({"c"});
  const auto done = finish(record(reprocess(), planned));
  EXPECT_EQ(done.end, 3);
  EXPECT_THAT(effects(), ElementsAre("a", "b", "c"));
}

TEST_P(ReplayHold, LettersOfAHeldPartitionWaitToo) {
  handle = [](const Event&, Transaction&) { throw PermanentError("a bug"); };
  process({"a"});
  const auto id = record(reprocess());
  change_from_outside(p0, "UPDATE {kinbox}.letter_states SET state = 'requested'");
  handle = [this](const Event& event, Transaction& tx) { insert_effect(event, tx); };
  Redriver redriver(replayed_spec(), options.dispatch, connect(), observer);
  EXPECT_EQ(redriver.run(p0), Redriver::Outcome::kHeld);
  finish(id);
  EXPECT_EQ(redriver.run(p0), Redriver::Outcome::kDone);
  EXPECT_THAT(effects(), ElementsAre("a"));
}

TEST_P(ReplayHold, BesideLiveNothingWaits) {
  process({"a", "b"});
  const auto id = record({.mode = ReplayMode::kReprocess, .beside_live = true});
  process({"late"});
  EXPECT_THAT(effects(), ElementsAre("a", "b", "late"));
  prepare_again = [](const ReplayRange&, Transaction&) {};
  finish(id);
  // The end was fixed when it was recorded.
  EXPECT_THAT(effects(), ElementsAre("a", "b", "late", "a", "b"));
}

TEST_P(ReplayHold, CancelledItLetsItsPartitionsGo) {
  process({"a"});
  const auto id = record(reprocess());
  {
    const auto tx = database().begin();
    EXPECT_TRUE(ReplayRows(database().dialect()).end(*tx, id, "cancelled"));
    tx->commit();
  }
  ASSERT_EQ(texts("SELECT count(*) FROM {kinbox}.consumer_progress WHERE held_by IS NOT NULL"),
            std::vector<std::string>{"0"});
  process({"b"});
  EXPECT_THAT(effects(), ElementsAre("a", "b"));
  EXPECT_THAT([&] { replayer()->take(id); }, ThrowsMessage<RefusedError>(HasSubstr("cancelled")));
}

}  // namespace
}  // namespace kinbox::testing
