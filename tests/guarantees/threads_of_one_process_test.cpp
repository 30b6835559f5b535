// Several workers and a relay, each on a thread of its own, as `kinbox run` has them: the promise
// under true concurrency, and what ThreadSanitizer has to look at.
#include <gmock/gmock.h>

#include <list>
#include <set>
#include <thread>

#include "kinbox/outbox_relay.hpp"
#include "kinbox/testing/scripted_publisher.hpp"
#include "support/eventually.hpp"
#include "support/pipeline.hpp"

namespace kinbox::testing {
namespace {

using ::testing::SizeIs;

constexpr int kEvents = 60;
constexpr int kStrangers = 5;

class ThreadsOfOneProcess : public Pipeline {
 protected:
  /// Each event in each partition, in opposite orders, and in each some that nobody takes.
  void send_everywhere() {
    for (int n = 0; n < kEvents; ++n) {
      send(p0, "e-" + std::to_string(n));
      send(p1, "e-" + std::to_string(kEvents - 1 - n));
      send(other_topic, "e-" + std::to_string(n));
      if (n % (kEvents / kStrangers) != 0) continue;
      for (const auto& id : {p0, p1, other_topic})
        send(id, id.topic + std::to_string(id.partition) + std::to_string(n), "k", "NobodyTakesIt");
    }
  }

  /// Runs until the fixture goes.
  Member& start(std::vector<TopicPartition> partitions) {
    auto& started = members_.emplace_back(member(std::move(partitions)));
    threads_.emplace_back([&started] { started.worker->run({}, std::chrono::seconds{5}); });
    return started;
  }

  ScriptedPublisher& start_relay() {
    auto publisher = std::make_unique<ScriptedPublisher>();
    auto& scripted = *publisher;
    relay_ = std::make_unique<OutboxRelay>(connect(), std::move(publisher),
                                           RelayOptions{.idle_poll = std::chrono::milliseconds{1}},
                                           observer);
    threads_.emplace_back([this](const std::stop_token& stop) { relay_->run(stop); });
    return scripted;
  }

  void stop_all() {
    for (auto& started : members_) started.worker->stop();
    threads_.clear();
  }

  void TearDown() override { stop_all(); }

  bool is_all_decided() {
    return number(sql("SELECT coalesce(sum(next_offset), 0) FROM {kinbox}.consumer_progress")) ==
           3 * (kEvents + kStrangers);
  }

  void expect_each_event_once() {
    const auto happened = effects();
    EXPECT_THAT(happened, SizeIs(kEvents));
    EXPECT_THAT(std::set(happened.begin(), happened.end()), SizeIs(kEvents));
    EXPECT_THAT(dead_reasons(), SizeIs(3 * kStrangers));
  }

 private:
  std::list<Member> members_;
  std::unique_ptr<OutboxRelay> relay_;
  std::list<std::jthread> threads_;
};
KINBOX_FOR_ALL_DATABASES(ThreadsOfOneProcess);

TEST_P(ThreadsOfOneProcess, DoEachEventOnceAndSendEachDeadLetter) {
  options.dispatch.max_batch = 7;
  const auto& publisher = start_relay();
  send_everywhere();
  for (const auto& id : {p0, p1, other_topic}) start({id});
  EXPECT_TRUE(eventually([&] {
    return is_all_decided() &&
           number(sql("SELECT count(*) FROM {kinbox}.outbox WHERE state = 'sent'")) ==
               3 * kStrangers;
  }));
  stop_all();
  expect_each_event_once();
  EXPECT_THAT(publisher.published, SizeIs(3 * kStrangers));
}

// The heir is told before the old owner is, so that for a while both go on.
TEST_P(ThreadsOfOneProcess, DoEachEventOnceWhileAPartitionHasTwoOwners) {
  options.dispatch.max_batch = 2;
  auto* owner = &start({p0, p1, other_topic});
  auto* heir = &start({});
  send_everywhere();
  for (std::size_t takeovers = 2; takeovers < 12; ++takeovers) {
    heir->source->assign({p0});
    EXPECT_TRUE(
        eventually([&] { return observer.notices<notice::Assigned>().size() >= 1 + takeovers; }));
    owner->source->revoke({p0}, Revocation::kLost);
    std::swap(owner, heir);
  }
  EXPECT_TRUE(eventually([&] { return is_all_decided(); }));
  stop_all();
  expect_each_event_once();
}

}  // namespace
}  // namespace kinbox::testing
