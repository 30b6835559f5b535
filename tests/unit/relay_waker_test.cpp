#include "cli/run/relay_waker.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "kinbox/outbox.hpp"
#include "kinbox/sqlite/database.hpp"
#include "kinbox/testing/scripted_publisher.hpp"
#include "support/recording_observer.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_database.hpp"

namespace kinbox::cli {
namespace {

using namespace kinbox::testing;

TEST(RelayWaker, WakesARelayThatWouldNotLookByItself) {
  const TemporaryDirectory folder;
  const auto open = sqlite::factory({.path = (folder / "k.db").string()});
  const auto database = open();
  migrate(*database);
  RecordingObserver observer;
  OutboxRelay relay(open(), std::make_unique<ScriptedPublisher>(),
                    {.idle_poll = std::chrono::hours{1}}, observer);
  RelayWaker waker;
  waker.on_notice(notice::Emitted{1});  // There may be no relay.
  waker.wakes(relay);
  const std::jthread loop([&](std::stop_token stop) { relay.run(std::move(stop)); });
  for (std::size_t i = 1; i <= 5; ++i) {
    const auto tx = database->begin();
    Outbox(tx->dialect(), {.source = "/shop"})
        .emit(*tx, {.topic = "payments", .id = std::to_string(i), .type = "t"});
    tx->commit();
    waker.on_notice(notice::Emitted{1});
    while (observer.notices<notice::Relayed>().size() < i) std::this_thread::yield();
  }
}

}  // namespace
}  // namespace kinbox::cli
