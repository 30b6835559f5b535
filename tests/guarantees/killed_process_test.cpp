// The promise when processes die or freeze at every named step of a batch: real Kafka, both
// databases, real SIGKILLs.
#include <gmock/gmock.h>
#include <signal.h>

#include "support/eventually.hpp"
#include "support/kill_scene.hpp"

namespace kinbox::testing {
namespace {

constexpr auto kPatience = std::chrono::seconds{40};

std::string said(const ChildProcess& process) {
  return process.output() + process.output(ChildProcess::Stream::kErr);
}

class KilledProcess : public KillScene {
 protected:
  /// Kills a consumer the second time it comes to `step`, then lets another finish.
  void kill_at(const std::string& step) {
    produce_events(60);
    const auto victim = consumer({"step=" + step, "at=2", "signal=KILL", "batch=10"});
    const auto status = victim->wait_for(kPatience);
    ASSERT_TRUE(status.has_value()) << said(*victim);
    ASSERT_EQ(*status, (ExitStatus{.code = {}, .signal = SIGKILL})) << said(*victim);
    ASSERT_LT(effects(), produced_events) << "it had finished before it was killed";
    consume_the_rest();
    EXPECT_EQ(complaints(), "");
  }
};
KINBOX_FOR_ALL_DATABASES(KilledProcess);

TEST_P(KilledProcess, AfterFetching) { kill_at("fetched"); }
TEST_P(KilledProcess, AfterOpening) { kill_at("opened"); }
TEST_P(KilledProcess, AfterClaiming) { kill_at("claimed"); }
TEST_P(KilledProcess, AfterHandlingAnEvent) { kill_at("handled"); }
TEST_P(KilledProcess, BeforeCommit) { kill_at("before_commit"); }
TEST_P(KilledProcess, WithCommitSent) { kill_at("commit_sent"); }
TEST_P(KilledProcess, AfterCommit) { kill_at("committed"); }
TEST_P(KilledProcess, BeforeTellingKafka) { kill_at("before_tell"); }

TEST_P(KilledProcess, AgainAndAgain) {
  produce_events(200);
  int kills = 0;
  for (const auto* step : {"handled", "committed", "opened", "before_tell", "claimed"}) {
    const auto victim = consumer({std::string("step=") + step, "at=2", "batch=10"});
    const auto status = victim->wait_for(kPatience);
    ASSERT_TRUE(status.has_value()) << said(*victim);
    if (status->signal == SIGKILL) ++kills;
  }
  EXPECT_EQ(kills, 5);
  consume_the_rest();
  EXPECT_EQ(complaints(), "");
}

TEST_P(KilledProcess, AZombieThatThawsCannotCommit) {
  produce_events(60);
  // Stopped outside of a transaction: on SQLite nobody could take the write lock from it.
  const auto zombie = consumer({"step=fetched", "at=2", "signal=STOP", "batch=10"});
  ASSERT_TRUE(zombie->wait_for_line("step fetched", kPatience).has_value()) << said(*zombie);
  ASSERT_TRUE(eventually([&] { return zombie->is_stopped(); }));
  const auto before = effects();
  ASSERT_LT(before, produced_events);
  consume_the_rest();
  ASSERT_EQ(effects(), produced_events);
  zombie->signal(SIGCONT);
  // It tries to commit what it holds, misses, and is told that the partitions are gone.
  EXPECT_TRUE(zombie->wait_for_line("missed", kPatience).has_value()) << said(*zombie);
  const auto status = zombie->wait_for(kPatience);
  ASSERT_TRUE(status.has_value()) << said(*zombie);
  EXPECT_EQ(complaints(), "");
}

/// Not on SQLite: liveness while a stopped process holds its write lock is not promised.
class FrozenTransaction : public KilledProcess {};
KINBOX_FOR_POSTGRES(FrozenTransaction);

TEST_P(FrozenTransaction, LosesItsLocks) {
  produce_events(60);
  const auto zombie = consumer({"step=handled", "at=5", "signal=STOP", "idle_timeout_ms=1500"});
  ASSERT_TRUE(zombie->wait_for_line("step handled", kPatience).has_value()) << said(*zombie);
  consume_the_rest();
  zombie->signal(SIGCONT);
  ASSERT_TRUE(zombie->wait_for(kPatience).has_value()) << said(*zombie);
  EXPECT_EQ(complaints(), "");
}

class UnreadResult : public FrozenTransaction {
 protected:
  /// How many sessions wait for a client that does not read.
  std::int64_t sessions_writing() {
    return number(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'ClientWrite' "
        "AND query LIKE '%repeat(''x'', 1000)%' AND pid <> pg_backend_pid()");
  }
};
KINBOX_FOR_POSTGRES(UnreadResult);

// Stopped while the server sends it a large result: no timeout of the server runs then.
TEST_P(UnreadResult, OfAStoppedOwnerDoesNotKeepItsPartition) {
  produce_events(60);
  const auto zombie = consumer({"large_at=5", "idle_timeout_ms=600000"});
  ASSERT_TRUE(eventually([&] { return zombie->is_stopped(); }, kPatience)) << said(*zombie);
  ASSERT_TRUE(eventually([&] { return sessions_writing() == 1; }, kPatience));
  const auto heir = consumer();
  const auto status = heir->wait_for(kPatience);
  ASSERT_TRUE(status.has_value()) << said(*heir);
  EXPECT_THAT(heir->output(ChildProcess::Stream::kErr),
              ::testing::HasSubstr("a transaction of its last owner stood (ClientWrite)"));
  EXPECT_EQ(sessions_writing(), 0);
  EXPECT_EQ(complaints(), "");
  zombie->signal(SIGCONT);
  ASSERT_TRUE(zombie->wait_for(kPatience).has_value()) << said(*zombie);
  EXPECT_EQ(complaints(), "");
}

TEST_P(KilledProcess, MembersJoinAndLeaveUnderLoad) {
  produce_events(200, "first");
  std::vector<std::unique_ptr<ChildProcess>> members;
  for (int i = 0; i < 3; ++i) members.push_back(consumer({"until=stopped", "batch=5"}));
  ASSERT_TRUE(eventually([&] { return effects() > 0; }, kPatience));
  members[0]->signal(SIGTERM);
  produce_events(200, "second");
  members.push_back(consumer({"until=stopped", "batch=5"}));
  members[1]->signal(SIGKILL);
  ASSERT_TRUE(eventually([&] { return effects() == produced_events; }, kPatience)) << effects();
  for (auto& member : members) member->signal(SIGTERM);
  for (auto& member : members)
    ASSERT_TRUE(member->wait_for(kPatience).has_value()) << said(*member);
  consume_the_rest();
  EXPECT_EQ(complaints(), "");
}

class ServerOutage : public KillScene {
 protected:
  /// Consumes while `outage` happens in the middle, and must come out right.
  void survive(const std::function<Outage()>& begin) {
    produce_events(200, "before");
    const auto member = consumer({"until=stopped", "batch=5"});
    ASSERT_TRUE(eventually([&] { return effects() > 0; }, kPatience)) << said(*member);
    { begin().end(); }
    produce_events(50, "after");
    ASSERT_TRUE(eventually(
        [&] {
          try {
            return effects() == produced_events;
          } catch (const InfrastructureError&) {
            return false;
          }
        },
        std::chrono::seconds{60}))
        << said(*member);
    member->signal(SIGTERM);
    ASSERT_TRUE(member->wait_for(kPatience).has_value());
    consume_the_rest();
    EXPECT_EQ(complaints(), "");
  }
};
KINBOX_FOR_ALL_DATABASES(ServerOutage);

TEST_P(ServerOutage, TheBrokerIsKilledAndComesBack) {
  survive([] { return KafkaService::get().kill(); });
}

class DatabaseOutage : public ServerOutage {};
KINBOX_FOR_POSTGRES(DatabaseOutage);

TEST_P(DatabaseOutage, PostgresIsStoppedImmediatelyAndComesBack) {
  survive([] { return PostgresService::get().stop_immediately(); });
}

TEST_P(DatabaseOutage, PostgresIsKilledAndComesBack) {
  survive([] { return PostgresService::get().kill(); });
}

}  // namespace
}  // namespace kinbox::testing
