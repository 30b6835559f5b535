#include "topic.hpp"

#include "order_producer.hpp"

namespace kinbox::bench {

void produce(const std::string& brokers, const TopicContent& content) {
  OrderProducer producer(brokers, content.topic, std::chrono::milliseconds{20});
  if (content.first == 0) producer.create_topic(content.partitions);
  // The record that repeats is as many records younger: often in another batch, sometimes not.
  const auto is_repeat = [&](std::int64_t i) {
    return content.repeat_every > 0 && i % content.repeat_every == content.repeat_every - 1;
  };
  for (std::int64_t i = 0; i < content.records; ++i)
    producer.send(content.first +
                  (is_repeat(i) ? i - 1 - (i / 7) % (content.repeat_every - 1) : i));
  producer.flush();
}

}  // namespace kinbox::bench
