#pragma once

#include "kafka/handles.hpp"
#include "kinbox/record.hpp"

namespace kinbox::kafka {

/// A record that views, and keeps alive, what librdkafka delivered. `message.err` must be 0.
Record to_record(MessageHandle message);

/// Headers of a delivered message or of a delivery report, in order, repeats and nulls kept; views
/// into the message.
std::vector<Header> headers_of(const rd_kafka_message_t& message);

}  // namespace kinbox::kafka
