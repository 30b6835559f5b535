// What `kinbox doctor` says about who is in a group, on the real broker.
#include <gmock/gmock.h>

#include <optional>

#include "cli/doctor/examinations.hpp"
#include "kinbox/sqlite/database.hpp"
#include "support/broker_kafka.hpp"
#include "support/eventually.hpp"
#include "support/plain_member.hpp"
#include "support/test_database.hpp"

namespace kinbox::testing {
namespace {

using cli::CheckLine;
using cli::Grade;
using ::testing::AllOf;
using ::testing::HasSubstr;

class DoctorGroups : public BrokerKafkaTest {
 protected:
  void SetUp() override {
    BrokerKafkaTest::SetUp();
    if (IsSkipped()) return;
    create_topic(2);
    migrate(*database_);
  }

  void add_worker(const std::string& owner, const std::string& seen_until) {
    const auto tx = database_->begin();
    tx->execute(
        "INSERT INTO workers (owner, consumer, host, pid, version, seen_until) "
        "VALUES ($1, 'pay', 'desk', 17, '0.1.0', $2)",
        owner, seen_until);
    tx->commit();
  }

  CheckLine examined(Database* database) {
    cli::Config config;
    cli::ConsumerConfig consumer;
    consumer.name = "pay";
    consumer.group = group_;
    config.consumers = {consumer};
    cli::Findings findings;
    cli::examine_groups(config, kafka::Settings(fast_settings(brokers_)), std::chrono::seconds{15},
                        database, findings);
    return findings.lines().at(0);
  }
  CheckLine examined() { return examined(database_.get()); }

  std::unique_ptr<Database> database_ = sqlite::open({.path = ":memory:"});
};

TEST_F(DoctorGroups, WorkersOfThisDatabaseAreExpectedAndOthersAreNamed) {
  EXPECT_EQ(examined().grade, Grade::kOk) << "nobody is in it";
  const auto ours = subscribed(listener_, {{"partition.assignment.strategy", "range"}});
  ASSERT_TRUE(eventually([&] {
    ours->poll(kSmallWait);
    return listener_.owned().size() == 2;
  }));
  add_worker("stale", "2001-01-01T00:00:00.000Z");
  EXPECT_EQ(examined().grade, Grade::kWarn) << "a worker that is not at work is no member";
  add_worker("me", "2999-01-01T00:00:00.000Z");
  EXPECT_EQ(examined().grade, Grade::kOk);
  EXPECT_THAT(examined().found, HasSubstr("1 members, 1 workers at work for pay"));

  std::optional<PlainMember> stranger(std::in_place, brokers_, group_, topic_, "some-report");
  ASSERT_TRUE(eventually([&] {
    ours->poll(kSmallWait);
    stranger->poll();
    return listener_.owned().size() == 1;
  }));
  const auto found = examined();
  EXPECT_EQ(found.grade, Grade::kWarn);
  EXPECT_EQ(found.check, "group " + group_);
  EXPECT_THAT(found.found,
              AllOf(HasSubstr("2 members, and this database knows of 1 workers for pay"),
                    HasSubstr("some-report at ")));
  EXPECT_THAT(found.way_out, HasSubstr("kinbox workers"));
  EXPECT_EQ(examined(nullptr).grade, Grade::kOk) << "without a database nobody knows who is ours";

  stranger.reset();
  EXPECT_TRUE(eventually([&] {
    ours->poll(kSmallWait);
    return examined().grade == Grade::kOk;
  }));
  ours->close(soon());
}

TEST(DoctorGroupsWithoutBroker, FailWithTheWayOut) {
  cli::Config config;
  config.consumers.emplace_back();
  cli::Findings findings;
  cli::examine_groups(config, kafka::Settings(fast_settings("127.0.0.1:1")),
                      std::chrono::milliseconds{300}, nullptr, findings);
  EXPECT_EQ(findings.lines().at(0).grade, Grade::kFail);
  EXPECT_THAT(findings.lines().at(0).way_out, HasSubstr("describe its groups"));
}

}  // namespace
}  // namespace kinbox::testing
