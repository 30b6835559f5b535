// An outbox relay that does something to itself at a moment between its database and its broker.
//
//   relay NAME=VALUE...
//     brokers                                        where records go
//     sqlite=PATH | postgres=URI schema=NAME         where they come from
//     step=read|published|answered|marked at=N signal=KILL|STOP   what it does to itself, and when:
//         before it hands a record over, behind that, with an answer that is not written down, and
//         with one that is
//     lease_ms=N
//
// Prints "step NAME" before the signal, "done" at the end, which SIGTERM brings.
#include <atomic>
#include <cstdio>
#include <thread>

#include "kinbox/kafka/publisher.hpp"
#include "kinbox/outbox_relay.hpp"
#include "programs/victim.hpp"

namespace {

using kinbox::testing::Arguments;
using kinbox::testing::Suicide;

class Steps : public kinbox::Observer, public Suicide {
 public:
  using Suicide::Suicide;

  void on_notice(const kinbox::Notice& notice) override {
    if (std::holds_alternative<kinbox::notice::Relayed>(notice)) at("marked");
    if (const auto* away = std::get_if<kinbox::notice::Unavailable>(&notice))
      std::fprintf(stderr, "unavailable: %s\n", away->what.c_str());
    if (const auto* blocked = std::get_if<kinbox::notice::RelayBlocked>(&notice))
      std::fprintf(stderr, "blocked: %s\n", blocked->why.c_str());
  }
};

class WatchedPublisher : public kinbox::Publisher {
 public:
  WatchedPublisher(std::unique_ptr<kinbox::Publisher> inner, Suicide& suicide)
      : inner_(std::move(inner)), suicide_(suicide) {}

  void publish(std::uint64_t ticket, const kinbox::OwnedRecord& record) override {
    suicide_.at("read");
    inner_->publish(ticket, record);
    suicide_.at("published");
  }

  std::vector<kinbox::Delivery> wait(std::chrono::milliseconds timeout) override {
    auto deliveries = inner_->wait(timeout);
    if (!deliveries.empty()) suicide_.at("answered");
    return deliveries;
  }

 private:
  std::unique_ptr<kinbox::Publisher> inner_;
  Suicide& suicide_;
};

}  // namespace

int main(int argc, char** argv) {
  const Arguments arguments(argc, argv, 1);
  const kinbox::testing::Termination termination;
  Steps suicide(arguments);
  auto publisher = kinbox::kafka::make_publisher(
      {.settings = kinbox::kafka::Settings({{"bootstrap.servers", arguments.text("brokers")}})},
      suicide);
  kinbox::OutboxRelay relay(
      kinbox::testing::connect(arguments),
      std::make_unique<WatchedPublisher>(std::move(publisher), suicide),
      {.lease = std::chrono::milliseconds{arguments.number("lease_ms", 1'000)},
       .batch = static_cast<std::size_t>(arguments.number("batch", 20)),
       .idle_poll = std::chrono::milliseconds{50}},
      suicide);
  {
    std::jthread loop([&](std::stop_token stop) { relay.run(std::move(stop)); });
    termination.wait();
  }
  std::printf("done\n");
}
