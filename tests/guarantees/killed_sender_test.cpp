// Mails are handed over at least once, or with on_unknown: hold at most once, and twice only where
// the window says so, whatever is done to senders: both databases, real SIGKILLs.
#include <gmock/gmock.h>
#include <signal.h>

#include <fstream>
#include <map>

#include "kinbox/email_outbox.hpp"
#include "support/child_process.hpp"
#include "support/eventually.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_database.hpp"

namespace kinbox::testing {
namespace {

using ::testing::Each;
using ::testing::Pair;
using ::testing::SizeIs;

constexpr auto kPatience = std::chrono::seconds{40};

class KilledSender : public DatabaseContract {
 protected:
  void hand_over(int count) {
    const auto tx = database().begin();
    const EmailOutbox outbox(database().dialect(), "shop.example");
    for (int i = 0; i < count; ++i)
      outbox.enqueue(*tx, {.type = "order_confirmation",
                           .order_id = std::to_string(handed_over_++),
                           .recipient = "zoe@example.com",
                           .payload = "{}"});
    tx->commit();
  }

  std::unique_ptr<ChildProcess> sender(const std::vector<std::string>& arguments = {}) {
    std::vector<std::string> command{KINBOX_BINARY_DIR "/tests/kinbox_test_sender",
                                     "post=" + post_.string()};
    for (const auto& argument : database_arguments()) command.push_back(argument);
    command.insert(command.end(), arguments.begin(), arguments.end());
    return std::make_unique<ChildProcess>(command);
  }

  std::int64_t mails(const std::string& state) {
    return number("SELECT count(*) FROM {kinbox}.email_outbox WHERE state = '" + state + "'");
  }
  /// Those of which a sender may still make something.
  std::int64_t waiting() { return mails("pending") + mails("sending"); }

  /// The third mail is what its sender dies over.
  void kill_at(const std::string& step, const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments{"step=" + step, "at=3"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto victim = sender(arguments);
    const auto status = victim->wait_for(kPatience);
    ASSERT_TRUE(status.has_value()) << said(*victim);
    ASSERT_EQ(*status, (ExitStatus{.code = {}, .signal = SIGKILL})) << said(*victim);
  }

  void send_the_rest(const std::vector<std::string>& arguments = {}) {
    const auto last = sender(arguments);
    const bool holds = !arguments.empty();
    ASSERT_TRUE(
        eventually([&] { return waiting() == 0 && (holds || mails("unknown") == 0); }, kPatience))
        << said(*last);
    last->signal(SIGTERM);
    const auto status = last->wait_for(kPatience);
    ASSERT_TRUE(status.has_value()) << said(*last);
    EXPECT_EQ(*status, (ExitStatus{.code = 0, .signal = {}})) << said(*last);
  }

  static std::string said(const ChildProcess& process) {
    return process.output() + process.output(ChildProcess::Stream::kErr);
  }

  /// How often the content of each mail was handed over.
  std::map<std::string, int> copies() const {
    std::map<std::string, int> found;
    std::ifstream in(post_);
    for (std::string line; std::getline(in, line);) ++found[line];
    return found;
  }
  int repeated() const {
    int more = 0;
    for (const auto& [id, count] : copies()) more += count - 1;
    return more;
  }

  TemporaryDirectory folder_;
  std::filesystem::path post_ = folder_ / "post";
  int handed_over_ = 0;
};
KINBOX_FOR_ALL_DATABASES(KilledSender);

TEST_P(KilledSender, BehindTakingAMail) {
  hand_over(6);
  kill_at("claimed");
  EXPECT_EQ(mails("sending"), 0);
  send_the_rest();
  EXPECT_THAT(copies(), SizeIs(6));
  EXPECT_EQ(repeated(), 0);
}

TEST_P(KilledSender, WithTheLetterWritten) {
  hand_over(6);
  kill_at("written");
  EXPECT_EQ(mails("sending"), 0);
  send_the_rest();
  EXPECT_THAT(copies(), SizeIs(6));
  EXPECT_EQ(repeated(), 0);
}

TEST_P(KilledSender, BeforeTheContent) {
  hand_over(6);
  kill_at("content");
  EXPECT_EQ(mails("sending"), 1);
  send_the_rest();
  EXPECT_EQ(mails("sent"), 6);
  EXPECT_THAT(copies(), SizeIs(6));
  EXPECT_EQ(repeated(), 0) << "nothing had gone";
}

TEST_P(KilledSender, WithAnAnswerThatIsNotWrittenDown) {
  hand_over(6);
  kill_at("accepted");
  EXPECT_EQ(mails("sending"), 1);
  send_the_rest();
  EXPECT_EQ(mails("sent"), 6);
  EXPECT_THAT(copies(), SizeIs(6));
  EXPECT_EQ(repeated(), 1) << "at least once is all that can be promised";
}

TEST_P(KilledSender, WithAnAnswerThatIsWrittenDown) {
  hand_over(6);
  kill_at("marked");
  EXPECT_EQ(mails("sent"), 3);
  send_the_rest();
  EXPECT_THAT(copies(), SizeIs(6));
  EXPECT_EQ(repeated(), 0);
}

TEST_P(KilledSender, WhoHoldsNeverSendsTwice) {
  const std::vector<std::string> hold{"on_unknown=hold"};
  int unknown = 0;
  for (const auto* step : {"claimed", "written", "content", "accepted", "marked"}) {
    hand_over(4);
    kill_at(step, hold);
    send_the_rest(hold);
    unknown += step == std::string("content") || step == std::string("accepted") ? 1 : 0;
    EXPECT_EQ(mails("unknown"), unknown) << step;
  }
  EXPECT_EQ(mails("sent"), handed_over_ - unknown);
  EXPECT_THAT(copies(), Each(Pair(::testing::_, 1)));
  EXPECT_THAT(copies(), SizeIs(static_cast<std::size_t>(handed_over_) - 1))
      << "one died before the content, one behind it; nobody can tell them apart";
}

TEST_P(KilledSender, SeveralAtOnceAgainAndAgain) {
  int kills = 0;
  int windows = 0;
  for (const auto* step : {"claimed", "accepted", "marked", "content", "accepted", "written"}) {
    hand_over(10);
    const auto first = sender({std::string("step=") + step, "at=2"});
    const auto second = sender({"step=accepted", "at=3"});
    ASSERT_TRUE(eventually([&] { return first->wait_for({}) && second->wait_for({}); }, kPatience))
        << said(*first) << said(*second);
    kills += first->kill().signal == SIGKILL ? 1 : 0;
    kills += second->kill().signal == SIGKILL ? 1 : 0;
    windows += step == std::string("accepted") ? 2 : 1;
  }
  EXPECT_EQ(kills, 12);
  send_the_rest();
  EXPECT_EQ(mails("sent"), handed_over_);
  EXPECT_THAT(copies(), SizeIs(static_cast<std::size_t>(handed_over_)));
  EXPECT_LE(repeated(), windows) << "one copy for each sender that died behind the content";
}

TEST_P(KilledSender, AZombieThatThawsBeforeItAskedSendsNothing) {
  hand_over(4);
  const auto zombie = sender({"step=written", "at=2", "signal=STOP"});
  ASSERT_TRUE(zombie->wait_for_line("step written", kPatience).has_value()) << said(*zombie);
  ASSERT_TRUE(eventually([&] { return zombie->is_stopped(); }));
  send_the_rest();
  zombie->signal(SIGCONT);
  zombie->signal(SIGTERM);
  ASSERT_TRUE(zombie->wait_for(kPatience).has_value()) << said(*zombie);
  EXPECT_EQ(mails("sent"), 4);
  EXPECT_EQ(repeated(), 0);
}

TEST_P(KilledSender, AZombieThatThawsBehindItIsTheWindow) {
  hand_over(4);
  const auto zombie = sender({"step=content", "at=2", "signal=STOP"});
  ASSERT_TRUE(zombie->wait_for_line("step content", kPatience).has_value()) << said(*zombie);
  ASSERT_TRUE(eventually([&] { return zombie->is_stopped(); }));
  send_the_rest();
  zombie->signal(SIGCONT);
  zombie->signal(SIGTERM);
  ASSERT_TRUE(zombie->wait_for(kPatience).has_value()) << said(*zombie);
  EXPECT_EQ(mails("sent"), 4);
  EXPECT_EQ(repeated(), 1);
}

TEST_P(KilledSender, AHeldMailIsSentAfterAllWhenItsSenderThawsAndSaysSo) {
  const std::vector<std::string> hold{"on_unknown=hold"};
  hand_over(4);
  const auto zombie = sender({"step=content", "at=2", "signal=STOP", "on_unknown=hold"});
  ASSERT_TRUE(zombie->wait_for_line("step content", kPatience).has_value()) << said(*zombie);
  ASSERT_TRUE(eventually([&] { return zombie->is_stopped(); }));
  send_the_rest(hold);
  EXPECT_EQ(mails("unknown"), 1);
  zombie->signal(SIGCONT);
  ASSERT_TRUE(eventually([&] { return mails("sent") == 4; }, kPatience)) << said(*zombie);
  EXPECT_EQ(repeated(), 0);
}

}  // namespace
}  // namespace kinbox::testing
