#include "support/child_process.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>

#include <chrono>
#include <future>
#include <string>
#include <system_error>
#include <thread>

#include "support/eventually.hpp"

namespace kinbox::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::Optional;
using Stream = ChildProcess::Stream;

constexpr seconds kSoon{20};

std::vector<std::string> shell(const std::string& script) { return {"/bin/sh", "-c", script}; }

bool exists(pid_t pid) { return ::kill(pid, 0) == 0; }

TEST(ChildProcess, TellsItsExitCode) {
  ChildProcess child(shell("exit 7"));
  EXPECT_THAT(child.wait_for(kSoon), Optional(ExitStatus{.code = 7, .signal = {}}));
}

TEST(ChildProcess, TellsTheSignalThatKilledIt) {
  ChildProcess child(shell("kill -TERM $$"));
  EXPECT_THAT(child.wait_for(kSoon), Optional(ExitStatus{.code = {}, .signal = SIGTERM}));
}

TEST(ChildProcess, KeepsTheStreamsApartAndLosesNothing) {
  ChildProcess child(shell("seq 1 20000; echo complaint >&2"));
  ASSERT_TRUE(child.wait_for(kSoon));
  EXPECT_TRUE(child.output().starts_with("1\n2\n"));
  EXPECT_TRUE(child.output().ends_with("\n19999\n20000\n"));
  EXPECT_EQ(child.output(Stream::kErr), "complaint\n");
}

TEST(ChildProcess, WaitingStopsAtTheDeadline) {
  ChildProcess child(shell("read forever"));
  EXPECT_EQ(child.wait_for(milliseconds(50)), std::nullopt);
}

TEST(ChildProcess, WhatItsOwnChildrenWriteAfterItsEndIsWaitedFor) {
  ChildProcess child(shell("(sleep 0.3; echo late) & exit 0"));
  ASSERT_TRUE(child.wait_for(kSoon));
  EXPECT_EQ(child.output(), "late\n");
}

TEST(ChildProcess, AGrandchildThatKeepsThePipesHoldsUpNeitherTheWaitNorTheEnd) {
  pid_t grandchild = 0;
  {
    ChildProcess child(shell("sleep 1000 & echo $!"));
    EXPECT_TRUE(child.wait_for(seconds(1)));
    grandchild = std::stoi(child.output());
  }
  EXPECT_EQ(::kill(grandchild, SIGKILL), 0);
}

TEST(ChildProcess, LinesAreFoundOneAfterTheOther) {
  ChildProcess child(shell("echo one step; echo noise; echo two step; read go; echo three step"));
  EXPECT_THAT(child.wait_for_line("step", kSoon), Optional(std::string("one step")));
  EXPECT_THAT(child.wait_for_line("step", kSoon), Optional(std::string("two step")));
  EXPECT_EQ(child.wait_for_line("step", milliseconds(50)), std::nullopt);
  EXPECT_TRUE(child.send("go\n"));
  EXPECT_THAT(child.wait_for_line("step", kSoon), Optional(std::string("three step")));
}

TEST(ChildProcess, AnUnfinishedLastLineCounts) {
  ChildProcess child(shell("printf 'no newline' >&2"));
  EXPECT_THAT(child.wait_for_line("line", kSoon, Stream::kErr),
              Optional(std::string("no newline")));
}

TEST(ChildProcess, TheWaitForALineEndsWithTheStream) {
  ChildProcess child(shell("echo something else"));
  EXPECT_EQ(child.wait_for_line("never", std::chrono::hours(1)), std::nullopt);
}

TEST(ChildProcess, ClosingItsInputEndsIt) {
  ChildProcess child({"/bin/cat"});
  ASSERT_TRUE(child.send("echo"));
  child.close_input();
  ASSERT_TRUE(child.wait_for(kSoon));
  EXPECT_EQ(child.output(), "echo");
}

TEST(ChildProcess, SendingToOneThatEndedIsNoSignalForUs) {
  ChildProcess child(shell("exit 0"));
  ASSERT_TRUE(child.wait_for(kSoon));
  EXPECT_FALSE(child.send("anybody there?"));
}

TEST(ChildProcess, EnvironmentIsAddedAndTakenAway) {
  ::setenv("KINBOX_CHILD_PROCESS_TEST", "inherited", 1);
  const auto script = shell("echo \"${KINBOX_CHILD_PROCESS_TEST-none} $MORE\"");
  ChildProcess inherits(script, {.environment = {{"MORE", "1"}}});
  ChildProcess does_not(script, {.environment = {{"KINBOX_CHILD_PROCESS_TEST", std::nullopt}}});
  ::unsetenv("KINBOX_CHILD_PROCESS_TEST");
  EXPECT_THAT(inherits.wait_for_line("", kSoon), Optional(std::string("inherited 1")));
  EXPECT_THAT(does_not.wait_for_line("", kSoon), Optional(std::string("none ")));
}

TEST(ChildProcess, RunsInAnotherDirectory) {
  ChildProcess child({"/bin/pwd"}, {.working_directory = "/proc"});
  EXPECT_THAT(child.wait_for_line("", kSoon), Optional(std::string("/proc")));
}

TEST(ChildProcess, AProgramThatCannotBeRunIsAnError) {
  EXPECT_THROW(ChildProcess({"/nowhere/at/all"}), std::system_error);
  EXPECT_THROW(ChildProcess({"/bin/true"}, {.working_directory = "/nowhere"}), std::system_error);
}

TEST(ChildProcess, InheritsNoFilesButTheStandardOnes) {
  const Fd ours = listen_on_loopback(0);
  ::fcntl(ours.get(), F_SETFD, 0);  // as a careless library would leave it
  ChildProcess child(shell("ls -l /proc/$$/fd | grep -c socket:"));
  EXPECT_THAT(child.wait_for_line("", kSoon), Optional(std::string("1")));  // its standard input
}

TEST(ChildProcess, StartsWithDefaultSignalsEvenIfWeBlockAndIgnoreThem) {
  sigset_t term;
  sigset_t before;
  ::sigemptyset(&term);
  ::sigaddset(&term, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &term, &before);
  const auto handler = ::signal(SIGINT, SIG_IGN);
  ChildProcess blocked(shell("kill -TERM $$; exit 0"));
  ChildProcess ignored(shell("kill -INT $$; exit 0"));
  ::signal(SIGINT, handler);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  EXPECT_THAT(blocked.wait_for(kSoon), Optional(ExitStatus{.code = {}, .signal = SIGTERM}));
  EXPECT_THAT(ignored.wait_for(kSoon), Optional(ExitStatus{.code = {}, .signal = SIGINT}));
}

TEST(ChildProcess, StopsAndContinues) {
  ChildProcess child({"/bin/cat"});
  child.signal(SIGSTOP);
  EXPECT_TRUE(eventually([&] { return child.is_stopped(); }));
  child.signal(SIGCONT);
  EXPECT_TRUE(eventually([&] { return !child.is_stopped(); }));
}

TEST(ChildProcess, KillReapsAndIsRemembered) {
  ChildProcess child(shell("read forever"));
  EXPECT_EQ(child.kill(), (ExitStatus{.code = {}, .signal = SIGKILL}));
  EXPECT_EQ(child.kill(), (ExitStatus{.code = {}, .signal = SIGKILL}));
  EXPECT_FALSE(child.is_stopped());
  EXPECT_FALSE(exists(child.pid()));
}

TEST(ChildProcess, DoesNotOutliveItsOwnerEvenWhenStopped) {
  pid_t pid = 0;
  {
    ChildProcess child(shell("read forever"));
    pid = child.pid();
    child.signal(SIGSTOP);
    ASSERT_TRUE(eventually([&] { return child.is_stopped(); }));
  }
  EXPECT_FALSE(exists(pid));
}

TEST(ChildProcess, DiesWithTheThreadThatMadeIt) {
  std::unique_ptr<ChildProcess> child;
  std::thread([&] { child = std::make_unique<ChildProcess>(shell("read forever")); }).join();
  EXPECT_THAT(child->wait_for(kSoon), Optional(ExitStatus{.code = {}, .signal = SIGKILL}));
}

}  // namespace
}  // namespace kinbox::testing
