// "A topic is its id": a position is never used on another topic of the same name.
#include <gmock/gmock.h>

#include <thread>

#include "support/eventually.hpp"
#include "support/pipeline.hpp"

namespace kinbox::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class TopicIdentity : public Pipeline {
 protected:
  void send_three(const std::string& prefix) {
    for (const char* n : {"1", "2", "3"}) send(p0, prefix + n);
  }
  std::string stored_id() {
    return texts("SELECT topic_id FROM {kinbox}.consumer_progress WHERE partition = 0").at(0);
  }
};
KINBOX_FOR_ALL_DATABASES(TopicIdentity);

TEST_P(TopicIdentity, ATopicCreatedAnewHaltsBeforeItsFirstRecordAndSaysBothIds) {
  send_three("old-");
  run_until_idle({p0});
  EXPECT_EQ(stored_id(), "orders.created#0");
  log.recreate(p0.topic);
  send_three("new-");
  send_three("newer-");  // longer than the position: the offsets alone tell nothing
  const auto result = run_until_idle({p0});
  ASSERT_THAT(result.halted, SizeIs(1));
  EXPECT_THAT(result.halted[0].second, AllOf(HasSubstr("recreated: topic \"orders.created\""),
                                             HasSubstr("its id is orders.created#1"),
                                             HasSubstr("the topic with the id orders.created#0"),
                                             HasSubstr("kinbox position accept-gap")));
  EXPECT_THAT(effects(), ElementsAre("old-1", "old-2", "old-3"));
  EXPECT_EQ(position(p0), 3);
  EXPECT_THAT(texts("SELECT state FROM {kinbox}.consumer_progress"), ElementsAre("halted"));
  // A restart changes nothing.
  EXPECT_THAT(run_until_idle({p0}).halted, SizeIs(1));
  EXPECT_EQ(stored_id(), "orders.created#0");
}

TEST_P(TopicIdentity, ADeadLetterKeepsTheIdOfItsTopic) {
  log.append_json(p0, "{broken");
  run_until_idle({p0});
  EXPECT_THAT(texts("SELECT topic_id FROM {kinbox}.dead_letters"), ElementsAre("orders.created#0"));
}

TEST_P(TopicIdentity, ATopicCreatedAnewUnderARunningWorkerHaltsIt) {
  options.topic_check = std::chrono::milliseconds{1};
  send_three("old-");
  auto m = member({p0, other_topic});
  std::jthread loop([&] { m.worker->run(); });
  EXPECT_TRUE(eventually([&] { return effects().size() == 3; }));
  log.recreate(p0.topic);
  EXPECT_TRUE(eventually([&] { return observer.notices<notice::Halted>().size() == 1; }));
  send_three("new-");
  send_three("newer-");
  send(other_topic, "of another topic");
  EXPECT_TRUE(eventually([&] { return effects().size() == 4; }));
  m.worker->stop();
  loop.join();
  EXPECT_THAT(effects(), ElementsAre("old-1", "old-2", "old-3", "of another topic"));
}

TEST_P(TopicIdentity, AHaltThatCannotBeStoredStopsThePartitionAllTheSame) {
  options.topic_check = std::chrono::milliseconds{1};
  send_three("old-");
  std::atomic<bool> away = false;
  auto m = member({p0}, [&](FaultPoint) {
    if (away) throw InfrastructureError("the database is away");
  });
  std::jthread loop([&] { m.worker->run(); });
  EXPECT_TRUE(eventually([&] { return effects().size() == 3; }));
  away = true;
  log.recreate(p0.topic);
  EXPECT_TRUE(eventually([&] { return !observer.notices<notice::Unclaimed>().empty(); }));
  send_three("new-");
  send_three("newer-");
  away = false;
  EXPECT_TRUE(eventually([&] { return observer.notices<notice::Halted>().size() == 1; }));
  m.worker->stop();
  loop.join();
  EXPECT_THAT(effects(), SizeIs(3));
}

TEST_P(TopicIdentity, ABrokerThatDoesNotAnswerInBetweenCostsNothing) {
  options.topic_check = std::chrono::milliseconds{1};
  send_three("old-");
  auto m = member({p0});
  std::jthread loop([&] { m.worker->run(); });
  EXPECT_TRUE(eventually([&] { return effects().size() == 3; }));
  m.source->lose_broker(2);
  EXPECT_TRUE(eventually([&] {
    for (const auto& said : observer.notices<notice::SourceMessage>())
      if (said.text.find("topic ids not compared") != std::string::npos) return true;
    return false;
  }));
  send(p0, "afterwards");
  EXPECT_TRUE(eventually([&] { return effects().size() == 4; }));
  m.worker->stop();
}

TEST_P(TopicIdentity, APositionWithoutAnIdGetsTheOneOfNow) {
  send_three("old-");
  log.hide_topic_ids();
  run_until_idle({p0});
  EXPECT_EQ(stored_id(), "");
  EXPECT_THAT(effects(), SizeIs(3));
  ScriptedLog fresh;
  for (const char* n : {"1", "2", "3", "4"}) fresh.append_json(p0, json(std::string("old-") + n));
  log = fresh;
  EXPECT_THAT(run_until_idle({p0}).halted, IsEmpty());
  EXPECT_EQ(stored_id(), "orders.created#0");
  EXPECT_THAT(effects(), SizeIs(4));
}

TEST_P(TopicIdentity, WhereIdsCannotBeToldThatIsSaidOnceAndNothingHalts) {
  log.hide_topic_ids();
  send(p0, "one");
  send(other_topic, "two");
  EXPECT_THAT(run_until_idle({p0, other_topic}).halted, IsEmpty());
  const auto said = observer.notices<notice::SourceMessage>();
  ASSERT_THAT(said, SizeIs(1));
  EXPECT_EQ(said[0].severity, 6);
  EXPECT_THAT(said[0].text, AllOf(HasSubstr("its id cannot be told"), HasSubstr("librdkafka 2.3")));
}

}  // namespace
}  // namespace kinbox::testing
