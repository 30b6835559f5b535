// The shipped handlers, each a group of its own over the same topics, in processes that are killed:
// real Kafka, both databases. A short version of what scripts/soak may run for longer.
#include <gmock/gmock.h>
#include <signal.h>

#include "kinbox/kafka/admin.hpp"
#include "support/child_process.hpp"
#include "support/handler_contract.hpp"
#include "support/kafka.hpp"
#include "support/services.hpp"
#include "support/shop.hpp"
#include "support/unique_name.hpp"

namespace kinbox::testing {
namespace {

constexpr int kPartitions = 2;
constexpr auto kPatience = std::chrono::seconds{60};

class KilledShop : public HandlerContract {
 protected:
  void SetUp() override {
    KINBOX_REQUIRE_KAFKA();
    HandlerContract::SetUp();
  }

  void prepare() override {
    HandlerContract::prepare();
    shop_.open(database());
    created_ = unique_name("created");
    status_ = unique_name("status");
    kafka::Admin admin(kafka::Settings({{"bootstrap.servers", KafkaService::get().brokers()}}));
    for (const auto& topic : {created_, status_})
      admin.create_topic({.name = topic, .partitions = kPartitions});
    produce_all();
  }

  /// Every tenth comes twice, the second time on the other partition. The statuses come first.
  void produce_all() {
    std::vector<OwnedRecord> records;
    int n = 0;
    for (const auto& [topic, event] :
         {std::pair(status_, &Shop::ended), std::pair(created_, &Shop::created)})
      for (const auto& order : shop_.orders()) {
        auto record = (shop_.*event)(order);
        record.topic = topic;
        record.partition = n % kPartitions;
        records.push_back(record);
        record.partition = (n + 1) % kPartitions;
        if (++n % 10 == 0) records.push_back(record);
      }
    produce(KafkaService::get().brokers(), records);
    records_ = static_cast<std::int64_t>(records.size());
  }

  std::unique_ptr<ChildProcess> consumer(const std::string& handler,
                                         const std::vector<std::string>& arguments = {}) {
    std::vector<std::string> command{KINBOX_BINARY_DIR "/tests/kinbox_test_consumer",
                                     "brokers=" + KafkaService::get().brokers(),
                                     "topics=" + created_ + ',' + status_,
                                     "group=" + created_ + '.' + handler,
                                     "handler=" + handler,
                                     "batch=15"};
    for (const auto& argument : database_arguments()) command.push_back(argument);
    command.insert(command.end(), arguments.begin(), arguments.end());
    return std::make_unique<ChildProcess>(command);
  }

  /// Runs a consumer of each handler at once, to its end. Gives how many were killed.
  int run_all(const std::vector<std::string>& arguments) {
    std::vector<std::unique_ptr<ChildProcess>> processes;
    for (const auto* handler : kHandlers) processes.push_back(consumer(handler, arguments));
    int kills = 0;
    for (auto& process : processes) {
      const auto status = process->wait_for(kPatience);
      EXPECT_TRUE(status.has_value()) << process->output(ChildProcess::Stream::kErr);
      if (!status) continue;
      kills += status->signal == SIGKILL ? 1 : 0;
      EXPECT_TRUE(status->signal == SIGKILL || status->code == 0)
          << process->output() << process->output(ChildProcess::Stream::kErr);
    }
    return kills;
  }

  static constexpr std::array<const char*, 4> kHandlers{"inventory", "payment", "notification",
                                                        "analytics"};
  const Shop shop_{200, 100};
  std::string created_;
  std::string status_;
  std::int64_t records_ = 0;
};
KINBOX_FOR_ALL_DATABASES(KilledShop);

TEST_P(KilledShop, HasEachEffectOfEachOrderOnce) {
  int kills = 0;
  for (const auto* step : {"handled", "committed", "before_commit", "before_tell"})
    kills += run_all({std::string("step=") + step, "at=3"});
  EXPECT_EQ(kills, 16);
  EXPECT_EQ(run_all({}), 0);
  for (const auto* handler : kHandlers)
    EXPECT_EQ(shop_.complaints_about(handler, database()), "") << handler;
  EXPECT_THAT(table("SELECT DISTINCT passed FROM (SELECT sum(next_offset - first_offset) AS passed "
                    "FROM {kinbox}.consumer_progress GROUP BY consumer) AS consumers"),
              ::testing::ElementsAre(std::to_string(records_)));
}

}  // namespace
}  // namespace kinbox::testing
