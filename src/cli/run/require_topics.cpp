#include "cli/run/require_topics.hpp"

#include "kinbox/errors.hpp"
#include "kinbox/kafka/admin.hpp"

namespace kinbox::cli {

void require_topics(const kafka::Settings& settings, std::span<const ConsumerConfig> consumers) {
  kafka::Admin admin(settings, std::chrono::seconds{5});
  for (const auto& consumer : consumers)
    for (const auto& topic : consumer.topics)
      if (!admin.topic_exists(topic))
        throw InfrastructureError("consumer " + consumer.name + ": Kafka has no topic " + topic +
                                  "; create it, or run without --until-idle to wait for it");
}

}  // namespace kinbox::cli
