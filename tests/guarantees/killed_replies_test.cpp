// Producers are told of each event once, whatever is done to the processes: real Kafka, both
// databases, real SIGKILLs of consumers and relays.
#include <gmock/gmock.h>
#include <signal.h>

#include <map>
#include <set>

#include "kinbox/kafka/admin.hpp"
#include "kinbox/kafka/source.hpp"
#include "support/eventually.hpp"
#include "support/kafka.hpp"
#include "support/kill_scene.hpp"
#include "support/unique_name.hpp"

namespace kinbox::testing {
namespace {

using ::testing::SizeIs;

constexpr auto kPatience = std::chrono::seconds{40};
constexpr int kEvents = 100;
constexpr int kRejected = 20;

std::string said(const ChildProcess& process) {
  return process.output() + process.output(ChildProcess::Stream::kErr);
}

class KilledReplies : public KillScene {
 protected:
  struct Told {
    std::set<std::string> ids;
    std::set<std::string> types;
    std::set<std::string> payloads;
  };

  void prepare() override {
    KillScene::prepare();
    replies_ = unique_name("replies");
    const kafka::Settings settings({{"bootstrap.servers", KafkaService::get().brokers()}});
    kafka::Admin(settings).create_topic({.name = replies_, .partitions = 2});
    produce_events(kEvents, "e");
    produce_events(kRejected, "bad");
  }

  std::vector<std::string> telling(const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments{"reply_to=" + replies_, "reject=bad", "batch=10"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  void kill_consumer_at(const std::string& step) {
    const auto victim = consumer(telling({"step=" + step, "at=2"}));
    const auto status = victim->wait_for(kPatience);
    ASSERT_TRUE(status.has_value()) << said(*victim);
    ASSERT_EQ(*status, (ExitStatus{.code = {}, .signal = SIGKILL})) << said(*victim);
  }

  std::unique_ptr<ChildProcess> relay(const std::vector<std::string>& arguments = {}) {
    std::vector<std::string> command{KINBOX_BINARY_DIR "/tests/kinbox_test_relay",
                                     "brokers=" + KafkaService::get().brokers(), "lease_ms=300"};
    for (const auto& argument : database_arguments()) command.push_back(argument);
    command.insert(command.end(), arguments.begin(), arguments.end());
    return std::make_unique<ChildProcess>(command);
  }

  void kill_relay_at(const std::string& step) {
    const auto victim = relay({"step=" + step});
    const auto status = victim->wait_for(kPatience);
    ASSERT_TRUE(status.has_value()) << said(*victim);
    ASSERT_EQ(*status, (ExitStatus{.code = {}, .signal = SIGKILL})) << said(*victim);
  }

  void finish() {
    const auto last = consumer(telling());
    const auto status = last->wait_for(kPatience);
    ASSERT_TRUE(status.has_value()) << said(*last);
    const auto carrier = relay();
    ASSERT_TRUE(eventually([&] { return pending() == 0; }, kPatience)) << said(*carrier);
  }

  /// Dead letters wait too: nobody made them a topic.
  std::int64_t pending() {
    return number(database().dialect().render(
        "SELECT count(*) FROM {kinbox}.outbox WHERE state <> 'sent' AND dead_letter_id IS NULL"));
  }

  /// What stands on the topic of replies, by correlation-id.
  std::map<std::string, Told> told() {
    LibraryMessages messages;
    RecordingListener listener;
    auto source = kafka::make_source(
        {.settings = kafka::Settings(fast_settings(KafkaService::get().brokers())),
         .group = unique_name("group"),
         .topics = {replies_}},
        messages);
    source->subscribe(listener);
    std::map<std::string, Told> found;
    const auto take = [&](const Polled& polled) {
      for (const auto& record : polled.records) {
        const auto text = [&](const char* name) {
          return std::string(as_text(record.header(name).value_or(Bytes{})));
        };
        auto& entry = found[text("correlation-id")];
        entry.ids.insert(text("ce_id"));
        entry.types.insert(text("ce_type"));
        entry.payloads.emplace(as_text(*record.value()));
      }
    };
    const auto at_end = [&] {
      return listener.owned().size() == 2 &&
             std::all_of(listener.owned().begin(), listener.owned().end(),
                         [&](const auto& partition) { return source->at_end(partition); });
    };
    poll_until(*source, take, at_end);
    return found;
  }

  void expect_each_told_once() {
    const auto all = told();
    EXPECT_THAT(all, SizeIs(kEvents + kRejected));
    std::set<std::string> ids;
    for (const auto& [event, reply] : all) {
      EXPECT_THAT(reply.ids, SizeIs(1)) << event;
      EXPECT_THAT(reply.payloads, SizeIs(1)) << event;
      EXPECT_THAT(reply.types,
                  ::testing::ElementsAre(event.starts_with("bad") ? "Created.failed"
                                                                  : "Created.processed"));
      ids.insert(reply.ids.begin(), reply.ids.end());
    }
    EXPECT_THAT(ids, SizeIs(kEvents + kRejected));
    EXPECT_EQ(effects(), kEvents);
    EXPECT_EQ(distinct_effects(), kEvents);
    EXPECT_EQ(number(database().dialect().render(
                  "SELECT count(*) FROM {kinbox}.outbox WHERE dead_letter_id IS NULL")),
              kEvents + kRejected)
        << "a row each: copies on the topic are the relay's";
  }

  std::string replies_;
};
KINBOX_FOR_ALL_DATABASES(KilledReplies);

TEST_P(KilledReplies, TellEachEventOnce) {
  for (const auto* step : {"handled", "before_commit", "commit_sent", "committed", "before_tell"})
    kill_consumer_at(step);
  for (const auto* step : {"answered", "published", "marked"}) kill_relay_at(step);
  finish();
  expect_each_told_once();
}

}  // namespace
}  // namespace kinbox::testing
