#include "cli/run/require_topics.hpp"

#include "kinbox/errors.hpp"
#include "kinbox/kafka/admin.hpp"

namespace kinbox::cli {
namespace {

void require(kafka::Admin& admin, const std::string& consumer, const std::string& topic,
             const std::string& what_for) {
  if (!admin.topic_exists(topic))
    throw InfrastructureError("consumer " + consumer + ": Kafka has no topic " + topic + what_for +
                              "; create it, or run without --until-idle to wait for it");
}

}  // namespace

void require_topics(const kafka::Settings& settings, std::span<const ConsumerConfig> consumers) {
  kafka::Admin admin(settings, std::chrono::seconds{5});
  for (const auto& consumer : consumers) {
    for (const auto& topic : consumer.topics) require(admin, consumer.name, topic, "");
    if (!consumer.replies) continue;
    if (!consumer.replies->to.empty())
      require(admin, consumer.name, consumer.replies->to, " for its replies");
    for (const auto& topic : consumer.replies->allow)
      require(admin, consumer.name, topic, " for its replies");
  }
}

}  // namespace kinbox::cli
