// The shipped handlers with two workers that meet: orders on one's partition, their cancellations
// on the other's, products and accounts that both need.
#include <gmock/gmock.h>

#include <thread>

#include "kinbox/testing/scripted_log.hpp"
#include "kinbox/worker.hpp"
#include "support/handler_contract.hpp"
#include "support/recording_observer.hpp"
#include "support/shop.hpp"

namespace kinbox::testing {
namespace {

constexpr const char* kCreated = "marketplace.order.created";
constexpr const char* kStatus = "marketplace.order.status-changed";

class ShopOfTwoWorkers : public HandlerContract {
 protected:
  void prepare() override {
    HandlerContract::prepare();
    shop.open(database());
    int n = 0;
    for (const auto& order : shop.orders()) {
      const int partition = n++ % 2;
      send({kCreated, partition}, shop.created(order), n);
      // The other worker's partition.
      send({kStatus, 1 - partition}, shop.ended(order), n);
    }
  }

  /// Every tenth comes twice.
  void send(const TopicPartition& to, const OwnedRecord& record, int n) {
    for (int copy = 0; copy <= (n % 10 == 0 ? 1 : 0); ++copy) log.append(to, record);
  }

  std::unique_ptr<Worker> worker(const std::string& handler, std::int32_t partition) {
    auto source = log.member();
    source->assign({{kCreated, partition}, {kStatus, partition}});
    WorkerOptions options;
    options.budget = {.max_records = 20, .max_wait = std::chrono::milliseconds{5}};
    options.dispatch.unknown_types = UnknownTypes::kSkip;
    options.dispatch.on_error.retry = {.max_attempts = 10'000,
                                       .first_delay = std::chrono::milliseconds{1},
                                       .max_delay = std::chrono::milliseconds{20}};
    ConsumerSpec spec{.name = handler,
                      .group = handler,
                      .topics = {kCreated, kStatus},
                      .handlers = {use(handler)},
                      .decoder = EventDecoder()};
    return std::make_unique<Worker>(std::move(spec), options, std::move(source), connect(),
                                    observer);
  }

  void consume(const std::string& handler) {
    const auto run = [&](std::int32_t partition) {
      worker(handler, partition)->run({.idle = true}, std::chrono::seconds{5});
    };
    std::thread other(run, 1);
    run(0);
    other.join();
  }

  /// About half of what the orders want.
  const Shop shop{300, 130};
  ScriptedLog log;
  RecordingObserver observer;
};
KINBOX_FOR_ALL_DATABASES(ShopOfTwoWorkers);

TEST_P(ShopOfTwoWorkers, ReservesNoPieceTwiceAndGivesEachBackOnce) {
  consume("inventory");
  EXPECT_EQ(shop.complaints_about("inventory", database()), "");
  const auto in_state = [&](const std::string& state) {
    return table("SELECT order_id FROM {kinbox}.inventory_orders WHERE state = '" + state + "'")
        .size();
  };
  EXPECT_GT(in_state("reserved"), 0U);
  EXPECT_GT(in_state("rejected"), 0U) << "there was enough for everybody, which proves little";
  EXPECT_GT(in_state("released"), 0U);
}

TEST_P(ShopOfTwoWorkers, LosesAndMakesNoMoney) {
  consume("payment");
  EXPECT_EQ(shop.complaints_about("payment", database()), "");
}

TEST_P(ShopOfTwoWorkers, TellsEverybodyOnce) {
  consume("notification");
  EXPECT_EQ(shop.complaints_about("notification", database()), "");
}

TEST_P(ShopOfTwoWorkers, CountsEachSaleOnce) {
  consume("analytics");
  EXPECT_EQ(shop.complaints_about("analytics", database()), "");
}

}  // namespace
}  // namespace kinbox::testing
