#include "kafka/shutdown.hpp"

#include <future>
#include <thread>

#include "kafka/handles.hpp"

namespace kinbox::kafka {

bool leave_group(rd_kafka_t* rk, std::chrono::steady_clock::time_point deadline) {
  constexpr int kTick = 50;
  const QueueHandle queue(rd_kafka_queue_new(rk));
  const ErrorHandle refused(rd_kafka_consumer_close_queue(rk, queue.get()));
  if (refused) return false;
  // rd_kafka_queue_poll_callback would abort on a record that was fetched ahead.
  while (rd_kafka_consumer_closed(rk) == 0 && std::chrono::steady_clock::now() < deadline)
    const MessageHandle fetched_ahead(rd_kafka_consume_queue(queue.get(), kTick));
  return rd_kafka_consumer_closed(rk) != 0;
}

bool destroy_by(rd_kafka_t* rk, std::chrono::steady_clock::time_point deadline) {
  std::promise<void> promise;
  auto gone = promise.get_future();
  std::thread([rk, promise = std::move(promise)]() mutable {
    rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    promise.set_value();
  }).detach();
  return gone.wait_until(deadline) == std::future_status::ready;
}

}  // namespace kinbox::kafka
