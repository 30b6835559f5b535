#include "kinbox/observe/log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "kinbox/observe/log_observer.hpp"
#include "observe/line_limiter.hpp"
#include "observe/notice_line.hpp"
#include "observe/text.hpp"

namespace kinbox::observe {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;
using testing::SizeIs;

const TopicPartition kOrders3{"orders", 3};

Failure failure() {
  return {.reason = "retries_exhausted",
          .handler = "order_view",
          .error_type = "SqlError",
          .error_code = "23505",
          .error_text = "duplicate key\nDETAIL: Key (email)=(a@b.example) already exists.",
          .attempts = 5,
          .first_failed_at = {}};
}

TEST(NoticeLine, DeadLetterNamesCoordinatesEventCauseAndWhereItIsKept) {
  const auto line = to_line(notice::DeadLettered{kOrders3, 4211, "e-17", failure()});
  EXPECT_EQ(line.level, LogLevel::kError);
  EXPECT_EQ(line.kind, "dead_lettered");
  EXPECT_EQ(line.text,
            "orders/3@4211 event e-17: dead letter (retries_exhausted): order_view: SqlError "
            "23505: duplicate key; the record is kept in dead_letters, the partition goes on");
  EXPECT_THAT(line.fields, AllOf(Contains(Pair("topic", LogValue("orders"))),
                                 Contains(Pair("partition", LogValue(std::int64_t{3}))),
                                 Contains(Pair("offset", LogValue(std::int64_t{4211}))),
                                 Contains(Pair("event_id", LogValue("e-17"))),
                                 Contains(Pair("reason", LogValue("retries_exhausted"))),
                                 Contains(Pair("attempts", LogValue(std::int64_t{5})))));
}

TEST(NoticeLine, PoisonWithoutIdAndHandlerHasNoEmptyWords) {
  Failure poison;
  poison.reason = "undecodable";
  poison.error_text = "the value is not JSON";
  EXPECT_EQ(to_line(notice::DeadLettered{kOrders3, 7, "", poison}).text,
            "orders/3@7: dead letter (undecodable): the value is not JSON; the record is kept in "
            "dead_letters, the partition goes on");
}

TEST(NoticeLine, RetrySaysWhichAttemptAndWhenTheNext) {
  auto second = failure();
  second.attempts = 2;
  const auto line =
      to_line(notice::RetryScheduled{kOrders3, 4211, "e-17", 5, milliseconds{1500}, second});
  EXPECT_EQ(line.level, LogLevel::kWarning);
  EXPECT_EQ(line.text,
            "orders/3@4211 event e-17: attempt 2 of 5 failed: order_view: SqlError 23505: "
            "duplicate key; again in 1.5s, its partition waits");
}

TEST(NoticeLine, RetryForEverNamesNoLastAttempt) {
  EXPECT_THAT(to_line(notice::RetryScheduled{kOrders3, 1, "e", 0, milliseconds{5}, failure()}).text,
              HasSubstr("attempt 5 failed"));
}

TEST(NoticeLine, HaltSaysWhyAndTheWayOut) {
  const auto line = to_line(notice::Halted{kOrders3, 9, "records 9 to 20 are gone from the log"});
  EXPECT_EQ(line.level, LogLevel::kError);
  EXPECT_EQ(line.text,
            "orders/3@9: halted: records 9 to 20 are gone from the log; nothing is skipped, the "
            "partition stands until the cause is gone and the consumer starts again");
}

TEST(NoticeLine, EveryNoticeHasAKindAndAText) {
  const PartitionClaim claim{.epoch = 7, .next_offset = 4211, .control_version = 0};
  Failure skipped;
  skipped.reason = "unknown_type";
  auto unclean = claim;
  unclean.suspicion = Suspicion{};
  auto charged = claim;
  charged.suspicion = Suspicion{4213, 2};
  const std::vector<std::pair<Notice, std::string>> cases = {
      {notice::Assigned{kOrders3, claim}, "orders/3: ours, from offset 4211 (epoch 7)"},
      {notice::Assigned{kOrders3, unclean}, "(epoch 7); its last owner did not leave in order"},
      {notice::Assigned{kOrders3, charged}, "Offset 4213 was the last thing of 2 processes"},
      {notice::Revoked{kOrders3, false}, "orders/3: given up"},
      {notice::Revoked{kOrders3, true}, "another member may own it"},
      {notice::Unclaimed{kOrders3, "locked"}, "did not give it yet: locked"},
      {notice::ClaimMissed{kOrders3}, "the position moved without us"},
      {notice::Committed{500, {.applied = 488, .duplicates = 12}, milliseconds{12}},
       "500 records in 12ms: 488 applied, 12 duplicates"},
      {notice::Parked{kOrders3, 5, "e-1", milliseconds{10'000}, skipped},
       "parked (unknown_type); tried again in 10.0s, later events of its key wait behind it"},
      {notice::Parked{kOrders3, 5, "e-1", std::nullopt, skipped},
       "parked behind an earlier event of its key"},
      {notice::Skipped{kOrders3, 5, "e-1", skipped}, "by rule (unknown_type)"},
      {notice::SeenAgain{kOrders3, 5, "e-1"}, "orders/3@5 event e-1: came again"},
      {notice::IdConflictReported{kOrders3, 5, "e-1"}, "one id to two events"},
      {notice::ReplyRefused{kOrders3, 5, "e-1", "topic x is not allowed"},
       "orders/3@5 event e-1: no reply is sent, the event keeps its verdict: topic x"},
      {notice::BreakerOpened{kOrders3, 5, "e-1", milliseconds{5'000}, skipped},
       "the budget of dead letters is spent (unknown_type); nothing is lost, the partition waits "
       "and tries this one again in 5.0s"},
      {notice::BreakerClosed{kOrders3}, "orders/3: goes on"},
      {notice::Unavailable{"connection refused", milliseconds{2000}}, "trying again in 2.0s"},
      {notice::Available{"the database"}, "the database answers again"},
      {notice::SourceMessage{4, "broker down"}, "kafka: broker down"},
      {notice::Emitted{3}, "3 outgoing records or e-mails are committed"},
      {notice::RelayBlocked{"dlq.g.orders", "unknown topic", 3},
       "3 records wait for topic dlq.g.orders: unknown topic"},
      {notice::RelayRefused{"payments", "too large", 1},
       "1 records are set aside, topic payments will never take them: too large"},
      {notice::MailSent{{7, "<m@d>"}}, "mail 7 <m@d>: sent"},
      {notice::MailDeferred{{7, "<m@d>"}, "450 later", std::chrono::seconds{5}}, "450 later"},
      {notice::MailFailed{{7, "<m@d>"}, "550 no such user"}, "see `kinbox mail show 7`"},
      {notice::MailUnknown{{7, "<m@d>"}, "no answer", false},
       "sent again with the same Message-ID"},
      {notice::MailUnknown{{7, "<m@d>"}, "no answer", true}, "`kinbox mail discard 7`"},
      {notice::Relayed{2}, "2 outgoing records are on Kafka"},
      {notice::BatchShrunk{250}, "batches are now 250 records"}};
  for (const auto& [notice, text] : cases) {
    const auto line = to_line(notice);
    EXPECT_THAT(line.text, HasSubstr(text));
    EXPECT_THAT(line.kind, Not(IsEmpty())) << text;
  }
}

TEST(NoticeLine, ClientSeverityBecomesALevel) {
  EXPECT_EQ(to_line(notice::SourceMessage{3, ""}).level, LogLevel::kError);
  EXPECT_EQ(to_line(notice::SourceMessage{5, ""}).level, LogLevel::kWarning);
  EXPECT_EQ(to_line(notice::SourceMessage{6, ""}).level, LogLevel::kInfo);
  EXPECT_EQ(to_line(notice::SourceMessage{7, ""}).level, LogLevel::kDebug);
}

TEST(LoggableError, LeavesOutWhatFollowsTheFirstLine) {
  EXPECT_EQ(loggable_error("duplicate key\nDETAIL: Key (card)=(4111) already exists."),
            "duplicate key");
}

TEST(LoggableError, LeavesOutTheInputThatJsonParsersQuote) {
  std::string text;
  try {
    [[maybe_unused]] const auto parsed = nlohmann::json::parse(R"({"card": 4111x})");
  } catch (const std::exception& e) {
    text = e.what();
  }
  ASSERT_THAT(text, HasSubstr("4111"));
  EXPECT_THAT(loggable_error(text), AllOf(HasSubstr("syntax error"), Not(HasSubstr("4111"))));
}

TEST(LoggableError, CutsBetweenCodePoints) {
  const auto cut = loggable_error(std::string(299, 'x') + "ü and more");
  EXPECT_EQ(cut, std::string(299, 'x') + "...");
}

TEST(DurationText, ChoosesItsUnit) {
  EXPECT_EQ(to_text(milliseconds{0}), "0ms");
  EXPECT_EQ(to_text(milliseconds{999}), "999ms");
  EXPECT_EQ(to_text(milliseconds{1500}), "1.5s");
  EXPECT_EQ(to_text(milliseconds{125'000}), "2m05s");
}

TEST(TallyText, LeavesOutZeros) {
  EXPECT_EQ(to_text(Tally{.applied = 1, .gaps = 2}), "1 applied, 2 gaps");
  EXPECT_EQ(to_text(Tally{}), "nothing");
}

std::vector<nlohmann::json> json_lines(const std::ostringstream& out) {
  std::vector<nlohmann::json> lines;
  std::istringstream in(out.str());
  for (std::string line; std::getline(in, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

TEST(Log, WritesOneJsonObjectPerLineOffATerminal) {
  std::ostringstream out;
  Log log({}, out);
  log.write("orders", {LogLevel::kError,
                       "dead_lettered",
                       "two\nlines",
                       {{"offset", std::int64_t{4}}, {"event_id", "e\xFF"}}});
  log.info("started", "up");
  const auto lines = json_lines(out);
  ASSERT_THAT(lines, SizeIs(2));
  EXPECT_EQ(lines[0]["level"], "error");
  EXPECT_EQ(lines[0]["consumer"], "orders");
  EXPECT_EQ(lines[0]["kind"], "dead_lettered");
  EXPECT_EQ(lines[0]["message"], "two\nlines");
  EXPECT_EQ(lines[0]["offset"], 4);
  EXPECT_EQ(lines[0]["event_id"], "e\uFFFD");
  EXPECT_THAT(lines[0]["time"].get<std::string>(),
              testing::ContainsRegex("^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}[.][0-9]{3}Z$"));
  EXPECT_FALSE(lines[1].contains("consumer"));
}

TEST(Log, WritesHumanLinesWithoutControlCharacters) {
  std::ostringstream out;
  Log log({.format = LogFormat::kHuman}, out);
  log.write("orders", {LogLevel::kWarning, "retry", "event e\n\x1b[2J: again"});
  EXPECT_THAT(out.str(), HasSubstr("warning orders: event e\\n\\x1b[2J: again\n"));
}

TEST(Log, LeavesOutWhatIsBelowItsLevel) {
  std::ostringstream out;
  Log log({.level = LogLevel::kWarning}, out);
  log.info("a", "no");
  log.warning("b", "yes");
  log.error("c", "yes");
  EXPECT_THAT(json_lines(out), SizeIs(2));
}

TEST(Log, KeepsLinesWholeBetweenThreads) {
  std::ostringstream out;
  Log log({}, out);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&] {
        for (int i = 0; i < 200; ++i) log.info("n", std::string(200, 'x'));
      });
  }
  EXPECT_THAT(json_lines(out), SizeIs(800));
}

/// Puts a pseudo-terminal in place of stderr while it lives.
class TerminalAsStderr {
 public:
  TerminalAsStderr() : saved_(dup(STDERR_FILENO)) {
    // spdlog asks it whether the terminal knows colours.
    setenv("TERM", "xterm", 1);
    int terminal = -1;
    if (openpty(&master_, &terminal, nullptr, nullptr, nullptr) != 0) std::abort();
    dup2(terminal, STDERR_FILENO);
    close(terminal);
  }
  ~TerminalAsStderr() {
    dup2(saved_, STDERR_FILENO);
    close(saved_);
    close(master_);
  }
  /// A line is written in parts.
  std::string read_line() {
    std::string line;
    char c = 0;
    while (!line.ends_with('\n') && read(master_, &c, 1) == 1) line += c;
    return line;
  }

 private:
  int saved_;
  int master_ = -1;
};

TEST(LogOnATerminal, IsHumanAndColoured) {
  TerminalAsStderr terminal;
  Log log({});
  log.warning("kind", "be careful");
  EXPECT_THAT(terminal.read_line(),
              AllOf(HasSubstr("be careful"), HasSubstr("\x1b["), Not(HasSubstr("\"kind\""))));
}

TEST(LogOnATerminal, HasNoColourWhenToldSo) {
  TerminalAsStderr terminal;
  Log log({.no_color = true});
  log.warning("kind", "be careful");
  EXPECT_THAT(terminal.read_line(), AllOf(HasSubstr("be careful"), Not(HasSubstr("\x1b["))));
}

class LogObserverTest : public testing::Test {
 protected:
  std::vector<nlohmann::json> lines() const { return json_lines(out_); }
  std::vector<std::string> kinds() const {
    std::vector<std::string> kinds;
    for (const auto& line : lines()) kinds.push_back(line["kind"]);
    return kinds;
  }
  static notice::Committed committed(std::size_t records) {
    return {records, {.applied = static_cast<std::int64_t>(records)}, milliseconds{3}};
  }

  std::ostringstream out_;
  Log log_{{}, out_};
  std::chrono::steady_clock::time_point now_ = std::chrono::steady_clock::now();
  LogObserver observer_{log_, "orders", [this] { return now_; }};
};

TEST_F(LogObserverTest, SumsCommitsUpInsteadOfALinePerBatch) {
  observer_.on_notice(committed(5));
  for (int i = 0; i < 50; ++i) observer_.on_notice(committed(10));
  EXPECT_THAT(kinds(), ElementsAre("progress"));
  now_ += seconds{10};
  observer_.tick();
  ASSERT_THAT(kinds(), ElementsAre("progress", "progress"));
  EXPECT_EQ(lines()[1]["message"], "500 records committed: 500 applied");
  EXPECT_EQ(lines()[1]["consumer"], "orders");
  now_ += seconds{60};
  observer_.tick();
  EXPECT_THAT(kinds(), SizeIs(2)) << "nothing happened, nothing to say";
}

TEST_F(LogObserverTest, SaysTheRestAtItsEnd) {
  {
    LogObserver observer(log_, "orders", [this] { return now_; });
    observer.on_notice(committed(1));
    observer.on_notice(committed(2));
  }
  EXPECT_EQ(lines().back()["records"], 2);
}

TEST_F(LogObserverTest, LimitsWhatRepeatsAndCountsWhatItHeldBack) {
  for (int i = 0; i < 120; ++i)
    observer_.on_notice(notice::DeadLettered{kOrders3, i, "e-" + std::to_string(i), failure()});
  EXPECT_THAT(lines(), SizeIs(20));
  now_ += seconds{10};
  observer_.on_notice(notice::DeadLettered{kOrders3, 120, "e-120", failure()});
  EXPECT_EQ(lines().back()["held_back"], 100);
  EXPECT_THAT(lines().back()["message"].get<std::string>(), HasSubstr("and 100 more like it"));
}

TEST_F(LogObserverTest, ClientTextsThatDifferInDigitsAreOneCause) {
  observer_.on_notice(notice::SourceMessage{3, "connect refused (after 1ms)"});
  observer_.on_notice(notice::SourceMessage{3, "connect refused (after 20ms)"});
  observer_.on_notice(notice::SourceMessage{3, "authentication failed"});
  EXPECT_THAT(lines(), SizeIs(2));
}

TEST_F(LogObserverTest, NeverLimitsHalts) {
  for (int i = 0; i < 100; ++i) observer_.on_notice(notice::Halted{{"t", i}, 0, "gap"});
  EXPECT_THAT(lines(), SizeIs(100));
}

TEST_F(LogObserverTest, LimitsPartitionsApartFromEachOther) {
  for (int i = 0; i < 50; ++i)
    for (int p : {0, 1}) observer_.on_notice(notice::ClaimMissed{{"t", p}});
  EXPECT_THAT(lines(), SizeIs(6));
}

TEST(LineLimiterTest, ForgetsFinishedWindowsInsteadOfGrowing) {
  LineLimiter limiter;
  auto now = std::chrono::steady_clock::now();
  const LineLimiter::Limit limit{.lines = 1, .per = seconds{1}};
  for (int i = 0; i < 5000; ++i) limiter.admit(std::to_string(i), limit, now += seconds{1});
  EXPECT_LE(limiter.size(), 4096u);
}

}  // namespace
}  // namespace kinbox::observe
