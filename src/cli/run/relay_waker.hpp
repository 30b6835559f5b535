#pragma once

#include "kinbox/observer.hpp"
#include "kinbox/outbox_relay.hpp"

namespace kinbox::cli {

/// Wakes this process's relay when one of its consumers has emitted.
class RelayWaker : public Observer {
 public:
  /// Before anybody speaks through this.
  void wakes(OutboxRelay& relay) { relay_ = &relay; }

  void on_notice(const Notice& notice) override {
    if (relay_ != nullptr && std::holds_alternative<notice::Emitted>(notice)) relay_->wake();
  }

 private:
  OutboxRelay* relay_ = nullptr;
};

}  // namespace kinbox::cli
