#include "cli/demo/produce.hpp"

#include <algorithm>
#include <vector>

#include "cli/demo/order_events.hpp"
#include "cli/demo/send.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/kafka/admin.hpp"
#include "kinbox/kafka/publisher.hpp"

namespace kinbox::cli {

void produce_orders(const ProduceOptions& options) {
  const kafka::Settings settings({{"bootstrap.servers", options.brokers}});
  if (!kafka::Admin(settings, std::chrono::seconds{5}).topic_exists(options.topic))
    throw InfrastructureError("Kafka has no topic " + options.topic + "; create it first");
  const OrderEvents events(options.topic, random_run());
  std::vector<OwnedRecord> records;
  for (int number = 1; number <= options.count; ++number) records.push_back(events.order(number));
  for (int number = 1; number <= std::min(options.duplicates, options.count); ++number)
    records.push_back(events.order(number));
  for (int number = 1; number <= options.poison; ++number)
    records.push_back(events.broken(options.count + number));
  Observer silent;
  const auto publisher = kafka::make_publisher({.settings = settings}, silent);
  send(*publisher, records, std::chrono::seconds{60});
}

}  // namespace kinbox::cli
