#include "relay_contenders.hpp"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "kinbox/database.hpp"
#include "kinbox/outbox.hpp"
#include "order_producer.hpp"
#include "orders.hpp"
#include "producer_client.hpp"
#include "store.hpp"

namespace kinbox::bench {
namespace {

constexpr int kPartitions = 4;
constexpr int kTimeoutMilliseconds = 10'000;
constexpr std::int64_t kEmitAtOnce = 1'000;

constexpr auto kAll = std::to_array<RelayContender>({
    {"kinbox", relay_with_kinbox},
    {"by_hand", relay_by_hand},
});

void fill(Database& database, const RelayTask& task) {
  const Outbox outbox(database.dialect(), {.source = "/bench"});
  for (std::int64_t n = 0; n < task.events;) {
    const auto tx = database.begin();
    for (const auto end = std::min(n + kEmitAtOnce, task.events); n < end; ++n)
      outbox.emit(*tx, {.topic = task.topic,
                        .key = order_id(n % task.keys),
                        .id = std::to_string(n),
                        .type = "order.placed",
                        .payload = order_json(n)});
    tx->commit();
  }
}

std::int64_t records_in(const std::string& brokers, const std::string& topic) {
  const auto client = make_producer(brokers, std::chrono::milliseconds{0});
  std::int64_t records = 0;
  for (int partition = 0; partition < kPartitions; ++partition) {
    std::int64_t low = 0;
    std::int64_t high = 0;
    const auto error = rd_kafka_query_watermark_offsets(client.get(), topic.c_str(), partition,
                                                        &low, &high, kTimeoutMilliseconds);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) throw std::runtime_error(rd_kafka_err2str(error));
    records += high - low;
  }
  return records;
}

void require(const char* what, std::int64_t found, std::int64_t expected) {
  if (found == expected) return;
  throw std::runtime_error("wrong result: " + std::to_string(found) + ' ' + what + ", expected " +
                           std::to_string(expected));
}

void check(Database& database, const RelayTask& task) {
  const auto tx = database.begin();
  const auto sent = tx->query(
      database.dialect().render("SELECT count(*) FROM {kinbox}.outbox WHERE state = 'sent'"));
  require("rows marked as sent", sent[0].get<std::int64_t>(0), task.events);
  // Nobody was killed: no copies.
  require("records in the topic", records_in(task.brokers, task.topic), task.events);
}

}  // namespace

std::span<const RelayContender> all_relay_contenders() { return kAll; }

RunTime run_relay(const RelayContender& contender, RelayTask task) {
  const Store store(Backend::kPostgres, task.postgres);
  task.schema = store.schema();
  OrderProducer(task.brokers, task.topic, std::chrono::milliseconds{0}).create_topic(kPartitions);
  const auto database = store.factory()();
  fill(*database, task);
  store.settle();
  RunClock clock(task.events);
  contender.run(task, clock);
  const auto time = clock.time();
  check(*database, task);
  return time;
}

}  // namespace kinbox::bench
