#pragma once

#include "cli/config/config.hpp"
#include "kinbox/kafka/settings.hpp"

namespace kinbox::cli {

/// The pass-through settings, checked. Throws ConfigurationError on a key that kinbox owns, that
/// librdkafka does not know, or that loads code and is not in `allow_unsafe_settings`; and when
/// `sasl_password_file`, which is read here, holds no password.
kafka::Settings make_settings(const Config& config);

/// A setting in milliseconds, or librdkafka's default.
std::chrono::milliseconds session_timeout(const KafkaConfig& kafka);
std::chrono::milliseconds max_poll_interval(const KafkaConfig& kafka);

/// Of the consumer's handlers that have none of their own. Unless given, half of the poll interval:
/// after a whole one the group gives the partition away, and the event would never be applied.
Bound handler_timeout(const ConsumerConfig& consumer, const Config& config);

}  // namespace kinbox::cli
