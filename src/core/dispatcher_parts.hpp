#pragma once

#include <string>

#include "kinbox/dispatcher.hpp"
#include "kinbox/worker.hpp"

namespace kinbox {

/// What a dispatcher needs of its consumer. It keeps references to the consumer's decoder, to
/// `handlers` and to `observer`.
inline Dispatcher::Parts dispatcher_parts(const ConsumerSpec& consumer, const std::string& owner,
                                          const HandlerRegistry& handlers, Observer& observer) {
  return {.consumer = consumer.name,
          .group = consumer.group,
          .owner = owner,
          .decoder = consumer.decoder,
          .handlers = handlers,
          .dead_letters = {.consumer = consumer.name,
                           .group = consumer.group,
                           .dlq_topic = consumer.dlq_topic,
                           .relay = consumer.relay_dead_letters},
          .observer = observer,
          .replies = consumer.replies,
          .outbox = consumer.outbox};
}

}  // namespace kinbox
