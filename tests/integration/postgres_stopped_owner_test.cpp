// Whose server process may be ended so that a partition can be taken, and whose may not.
#include "core/stopped_owner.hpp"
#include "integration/postgres_fixture.hpp"
#include "kinbox/progress.hpp"
#include "support/unique_name.hpp"

namespace kinbox::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

const TopicPartition kPartition{"orders", 0};

class StoppedOwnerTest : public PostgresTest {
 protected:
  void SetUp() override {
    PostgresTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    const auto tx = database().begin();
    progress("").create(*tx, kPartition, 0);
    tx->commit();
    old_ = connect();
    claim_ = take(*old_);
  }

  void TearDown() override {
    for (const auto& role : roles_) admin("DROP OWNED BY " + role + "; DROP ROLE " + role);
  }

  Progress progress(const std::string& owner) {
    return Progress("shop", owner, database().dialect());
  }

  /// The old owner's.
  PartitionClaim take(Database& owner) {
    const auto tx = owner.begin();
    auto claim = *progress("old").take(*tx, kPartition, owner.session());
    tx->commit();
    return claim;
  }

  /// A batch of the old owner that does not end; its process waits for the next statement.
  std::unique_ptr<OpenTransaction> open_batch() {
    auto tx = old_->begin();
    progress("old").open(*tx, kPartition, claim_, 1, old_->session()).result();
    const auto waits_for =
        "SELECT coalesce(wait_event, '') FROM pg_stat_activity WHERE pid = " + old_->session();
    EXPECT_TRUE(eventually([&] { return admin(waits_for) == "ClientRead"; }));
    return tx;
  }

  std::string end(Database& by) { return StoppedOwner("shop", by.dialect()).end(by, kPartition); }
  std::string end() { return end(database()); }

  bool lives(const std::string& pid) {
    return admin("SELECT count(*) FROM pg_stat_activity WHERE pid = " + pid) == "1";
  }

  /// The driver as a new role that may do what a consumer must, and `more`.
  std::unique_ptr<Database> connect_as_role(const std::string& more) {
    const auto role = unique_name("kinbox_role");
    admin("CREATE ROLE " + role + " LOGIN; GRANT USAGE ON SCHEMA {kinbox} TO " + role +
          "; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {kinbox} TO " + role);
    roles_.push_back(role);
    if (!more.empty()) admin("GRANT " + more + " TO " + role);
    return connect_as(role);
  }
  std::unique_ptr<Database> connect_as(const std::string& role) {
    auto other = options();
    other.uri.replace(other.uri.find("postgres@"), 8, role);
    return connect(other);
  }

  std::vector<std::string> roles_;
  std::unique_ptr<Database> old_;
  PartitionClaim claim_;
};

TEST_F(StoppedOwnerTest, ItsProcessIsEndedAndTheRowIsFree) {
  const auto tx = open_batch();
  const auto pid = old_->session();
  EXPECT_THAT(end(), AllOf(HasSubstr("ended server process " + pid), HasSubstr("(ClientRead)")));
  EXPECT_TRUE(eventually([&] { return !lives(pid); }));
  EXPECT_EQ(take(database()).epoch, claim_.epoch + 1);
  EXPECT_THROW(tx->commit(), InfrastructureError);
}

TEST_F(StoppedOwnerTest, AfterAReconnectItIsTheNewConnectionsProcess) {
  {
    const auto tx = old_->begin();
    terminate(*tx);
  }
  EXPECT_TRUE(eventually([&] {
    try {
      auto tx = open_batch();
      progress("old").close(*tx, kPartition, {.applied = 1});
      tx->commit();
      return true;
    } catch (const InfrastructureError&) {
      return false;
    }
  }));
  ++claim_.next_offset;
  const auto tx = old_->begin();
  progress("old").open(*tx, kPartition, claim_, 2, old_->session()).result();
  EXPECT_THAT(end(), HasSubstr("ended server process " + old_->session()));
}

TEST_F(StoppedOwnerTest, NobodyIsEndedWhoKeepsNothing) {
  const auto pid = old_->session();
  EXPECT_EQ(end(), "");
  EXPECT_TRUE(lives(pid));
}

TEST_F(StoppedOwnerTest, AnotherProcessThatKeepsTheRowIsLeftAlone) {
  const auto somebody = connect();
  const auto tx = somebody->begin();
  tx->execute(sql("UPDATE {kinbox}.consumer_progress SET updated_at = clock_timestamp()"));
  tx->flush();
  EXPECT_EQ(end(), "");
  EXPECT_TRUE(lives(somebody->session()));
  EXPECT_TRUE(lives(old_->session()));
}

TEST_F(StoppedOwnerTest, AnOwnerThatKeepsAnotherPartitionIsLeftAlone) {
  {
    const auto tx = database().begin();
    progress("").create(*tx, {"orders", 1}, 0);
    tx->commit();
  }
  const auto tx = old_->begin();
  progress("old").take(*tx, {"orders", 1}, old_->session());
  EXPECT_EQ(end(), "");
  EXPECT_TRUE(lives(old_->session()));
}

// The row was written before this process began, so another one had its number then.
TEST_F(StoppedOwnerTest, AProcessThatHasThePidOfOneThatIsGoneIsLeftAlone) {
  admin("UPDATE {kinbox}.consumer_progress SET updated_at = now() - interval '1 day'");
  const auto tx = open_batch();
  EXPECT_EQ(end(), "");
  EXPECT_TRUE(lives(old_->session()));
}

TEST_F(StoppedOwnerTest, WhoMayNotEvenLookIsToldWhatToGrant) {
  const auto heir = connect_as_role("");
  const auto tx = open_batch();
  EXPECT_THAT(end(*heir),
              AllOf(HasSubstr("kept by server process " + old_->session()),
                    HasSubstr("GRANT \"postgres\" TO our role, or GRANT pg_signal_backend")));
  EXPECT_TRUE(lives(old_->session()));
}

TEST_F(StoppedOwnerTest, WhoMayLookAndNotEndIsToldWhatToGrant) {
  const auto heir = connect_as_role("pg_read_all_stats");
  const auto tx = open_batch();
  EXPECT_THAT(end(*heir), HasSubstr("may not end that: GRANT"));
  EXPECT_TRUE(lives(old_->session()));
}

TEST_F(StoppedOwnerTest, TheSameRoleNeedsNoMoreRights) {
  old_ = connect_as_role("");
  claim_ = take(*old_);
  const auto tx = open_batch();
  EXPECT_THAT(end(*connect_as(roles_.back())),
              HasSubstr("ended server process " + old_->session()));
}

}  // namespace
}  // namespace kinbox::testing
