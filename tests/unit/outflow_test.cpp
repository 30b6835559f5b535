#include "cli/run/outflow.hpp"

#include <gtest/gtest.h>

#include <future>
#include <sstream>

#include "kinbox/email_outbox.hpp"
#include "kinbox/outbox.hpp"
#include "kinbox/sqlite/database.hpp"
#include "kinbox/testing/scripted_publisher.hpp"
#include "support/eventually.hpp"
#include "support/recording_observer.hpp"
#include "support/scripted_transport.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_database.hpp"

namespace kinbox::cli {
namespace {

using namespace kinbox::testing;

using std::chrono::hours;

class OutflowTest : public ::testing::Test {
 protected:
  OutflowTest() : database_(open_()) { migrate(*database_); }

  std::unique_ptr<OutboxRelay> relay() {
    return std::make_unique<OutboxRelay>(open_(), std::make_unique<ScriptedPublisher>(),
                                         RelayOptions{.idle_poll = hours{1}}, observer_);
  }

  std::unique_ptr<email::EmailSender> sender() {
    std::vector<email::TemplateFile> files{{"t.subject.txt", "s"}, {"t.text.txt", "t"}};
    return std::make_unique<email::EmailSender>(
        open_, post_.transports(), email::Templates(files),
        email::SenderOptions{.from = {.address = "shop@shop.example"}, .idle_poll = hours{1}},
        observer_);
  }

  /// An event and a mail, in one transaction.
  void emit(std::size_t n) {
    const auto tx = database_->begin();
    const auto name = std::to_string(n);
    Outbox(tx->dialect(), {.source = "/shop"})
        .emit(*tx, {.topic = "payments", .id = name, .type = "t"});
    EmailOutbox(tx->dialect(), "shop.example")
        .enqueue(*tx, {.type = "t", .order_id = name, .recipient = "a@b", .payload = "{}"});
    tx->commit();
  }

  static std::chrono::steady_clock::time_point soon() {
    return std::chrono::steady_clock::now() + std::chrono::seconds{20};
  }

  const TemporaryDirectory folder_;
  const DatabaseFactory open_ = sqlite::factory({.path = (folder_ / "k.db").string()});
  const std::unique_ptr<Database> database_;
  RecordingObserver observer_;
  ScriptedPost post_;
  std::ostringstream said_;
  observe::Log log_{{}, said_};
  Outflow outflow_{log_};
};

TEST_F(OutflowTest, WakesThoseWhoWouldNotLookByThemselves) {
  outflow_.on_notice(notice::Emitted{1});  // There may be neither.
  outflow_.start(relay());
  outflow_.start(sender());
  for (std::size_t i = 1; i <= 5; ++i) {
    emit(i);
    outflow_.on_notice(notice::Emitted{2});
    ASSERT_TRUE(eventually([&] {
      return observer_.notices<notice::Relayed>().size() >= i && post_.contents().size() == i;
    }));
  }
  EXPECT_TRUE(outflow_.stop_by(soon()));
}

TEST_F(OutflowTest, SendsTheRestAtTheEnd) {
  outflow_.start(relay());
  outflow_.start(sender());
  ASSERT_TRUE(outflow_.stop_by(soon()));
  emit(1);
  outflow_.send_rest(soon());
  EXPECT_EQ(observer_.notices<notice::Relayed>().size(), 1U);
  EXPECT_EQ(post_.contents().size(), 1U);
}

TEST_F(OutflowTest, DoesNotWaitForAServerThatTakesItsTime) {
  std::promise<void> answers;
  post_.script([answer = answers.get_future().share()](const auto&, const auto&) {
    answer.wait();
    return email::Delivery{email::Outcome::kUnavailable, "at last"};
  });
  emit(1);
  outflow_.start(sender());
  EXPECT_FALSE(outflow_.stop_by(std::chrono::steady_clock::now()));
  answers.set_value();
  EXPECT_TRUE(outflow_.stop_by(soon()));
}

TEST_F(OutflowTest, ASenderThatFailsForGoodDoesNotTakeTheProcessWithIt) {
  std::promise<void> fails;
  post_.script([&](const auto&, const auto&) -> email::Delivery {
    fails.set_value();
    throw std::logic_error("a transport that is broken");
  });
  emit(1);
  outflow_.start(sender());
  fails.get_future().wait();
  EXPECT_TRUE(outflow_.stop_by(soon()));
  EXPECT_NE(said_.str().find("a transport that is broken"), std::string::npos) << said_.str();
}

}  // namespace
}  // namespace kinbox::cli
