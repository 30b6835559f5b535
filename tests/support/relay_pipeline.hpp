#pragma once

#include <memory>
#include <utility>

#include "kinbox/outbox_relay.hpp"
#include "kinbox/testing/scripted_publisher.hpp"
#include "support/pipeline.hpp"

namespace kinbox::testing {

/// A Pipeline whose outbox rows are relayed to a scripted publisher.
class RelayPipeline : public Pipeline {
 protected:
  struct Relay {
    ScriptedPublisher* publisher = nullptr;
    std::unique_ptr<OutboxRelay> relay;
  };

  /// With a connection of its own, which strikes as `faults` says.
  Relay relay(const RelayOptions& relay_options = {}, FaultPlan faults = {}) {
    auto publisher = std::make_unique<ScriptedPublisher>();
    Relay made;
    made.publisher = publisher.get();
    auto connection = connect();
    if (faults) connection = with_faults(std::move(connection), std::move(faults));
    made.relay = std::make_unique<OutboxRelay>(std::move(connection), std::move(publisher),
                                               relay_options, observer);
    return made;
  }
};

}  // namespace kinbox::testing
