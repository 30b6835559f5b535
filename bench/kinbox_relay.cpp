#include <thread>

#include "kinbox/kafka/publisher.hpp"
#include "kinbox/outbox_relay.hpp"
#include "kinbox/postgres/database.hpp"
#include "relay_contenders.hpp"

namespace kinbox::bench {
namespace {

class RelayedObserver final : public Observer {
 public:
  explicit RelayedObserver(RunClock& clock) : clock_(clock) {}

  void on_notice(const Notice& notice) override {
    if (const auto* relayed = std::get_if<notice::Relayed>(&notice))
      clock_.committed(static_cast<std::int64_t>(relayed->records));
    if (const auto* blocked = std::get_if<notice::RelayBlocked>(&notice))
      clock_.fail(std::make_exception_ptr(std::runtime_error(blocked->why)));
  }

 private:
  RunClock& clock_;
};

}  // namespace

void relay_with_kinbox(const RelayTask& task, RunClock& clock) {
  RelayedObserver observer(clock);
  postgres::Options options;
  options.uri = task.postgres;
  options.schema = task.schema;
  OutboxRelay relay(
      postgres::factory(options)(),
      kafka::make_publisher({.settings = kafka::Settings({{"bootstrap.servers", task.brokers}})},
                            observer),
      {}, observer);
  clock.received();
  const std::jthread thread([&](const std::stop_token& stop) { relay.run(stop); });
  clock.wait();
}

}  // namespace kinbox::bench
