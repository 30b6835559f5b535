#pragma once

#include <span>

#include "cli/config/config.hpp"
#include "kinbox/handler.hpp"
#include "kinbox/kafka/settings.hpp"
#include "kinbox/migrations.hpp"
#include "kinbox/worker.hpp"

namespace kinbox::cli {

/// The consumer as the core knows it. Throws ConfigurationError, with the place in the file, on a
/// handler that is not among `handlers`, two that claim one event type, or settings they do not
/// take.
ConsumerSpec make_spec(const ConsumerConfig& consumer, const Config& config,
                       std::span<const HandlerSpec> handlers);

/// How the consumer's records become events; its handlers need not be known.
EventDecoder make_decoder(const ConsumerConfig& consumer);

/// Throws ConfigurationError when its times do not fit Kafka's.
WorkerOptions make_worker_options(const ConsumerConfig& consumer, const Config& config);

/// What works, but probably not as meant: a sentence each, with its place in the file. `settings`:
/// the configuration's.
std::vector<std::string> advice(const Config& config, const kafka::Settings& settings);

/// kinbox's own tables and those of the handlers that the configuration uses.
std::vector<SchemaComponent> schema_components(const Config& config,
                                               std::span<const HandlerSpec> handlers);

}  // namespace kinbox::cli
