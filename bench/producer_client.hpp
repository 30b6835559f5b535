#pragma once

#include <chrono>
#include <string>

#include "kafka/handles.hpp"

namespace kinbox::bench {

/// Who is told what became of a record, with the producer's opaque.
using ReportCallback = void (*)(rd_kafka_t*, const rd_kafka_message_t*, void*);

/// An idempotent producer as careful code configures it. `linger`: how long a record may wait for
/// company. Throws std::runtime_error.
kafka::ClientHandle make_producer(const std::string& brokers, std::chrono::milliseconds linger,
                                  ReportCallback on_report = nullptr, void* opaque = nullptr);

}  // namespace kinbox::bench
