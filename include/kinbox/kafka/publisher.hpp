#pragma once

#include <chrono>
#include <memory>

#include "kinbox/kafka/settings.hpp"
#include "kinbox/observer.hpp"
#include "kinbox/publisher.hpp"

namespace kinbox::kafka {

struct PublisherOptions {
  Settings settings;
  /// How long a publisher that is destroyed waits for deliveries under way. Nobody hears of those
  /// that come later.
  std::chrono::milliseconds close_timeout{5'000};
};

/// An idempotent producer: acknowledged by all replicas, in order, no repeats of its own making.
///
/// A record that a broker does not take within `message.timeout.ms` (30 s unless the settings say
/// otherwise) comes back as Outcome::kRetry; so does everything under way when the producer must be
/// made anew after a fatal error, although it may have been written.
///
/// Throws ConfigurationError for settings that do not go together or name no broker. `observer`
/// must outlive the publisher.
std::unique_ptr<Publisher> make_publisher(PublisherOptions options, Observer& observer);

}  // namespace kinbox::kafka
