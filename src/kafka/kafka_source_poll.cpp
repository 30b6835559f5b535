#include <algorithm>
#include <array>

#include "kafka/client_config.hpp"
#include "kafka/kafka_source.hpp"
#include "kafka/message_record.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::kafka {
namespace {

using Clock = std::chrono::steady_clock;

int milliseconds_until(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
  return static_cast<int>(std::max<std::int64_t>(0, left.count()));
}

}  // namespace

Polled KafkaSource::poll(const PollBudget& budget) {
  client();
  teller_->serve();
  watch_for_assignment();
  watch();
  assignment_.retry();
  assignment_.carry_out();
  if (nudge_->is_due()) nudge_->nudge(assignment_.fetched());
  gathering_ = {};
  if (gather_carried(budget)) gather_new(budget);
  throw_if_failed();
  return std::exchange(gathering_, {}).polled;
}

bool KafkaSource::gather_carried(const PollBudget& budget) {
  bool all = true;
  for (auto& record : std::exchange(carried_, {})) {
    if (assignment_.find(record.topic(), record.partition())->paused)
      carried_.push_back(std::move(record));
    else
      all = gather(std::move(record), budget) && all;
  }
  return all;
}

void KafkaSource::gather_new(const PollBudget& budget) {
  const auto deadline = Clock::now() + budget.max_wait;
  const auto something = [&] {
    return !gathering_.polled.records.empty() || !gathering_.polled.out_of_range.empty();
  };
  while (!full(budget)) {
    MessageHandle message(
        rd_kafka_consumer_poll(rk_, something() ? 0 : milliseconds_until(deadline)));
    if (!message) {
      empty_at_ = Clock::now();
      return;
    }
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
      on_event(*message);
    else if (!accept(std::move(message), budget))
      return;
  }
}

bool KafkaSource::full(const PollBudget& budget) const {
  return gathering_.polled.records.size() >= budget.max_records ||
         gathering_.bytes >= budget.max_bytes;
}

bool KafkaSource::gather(Record record, const PollBudget& budget) {
  const auto size = record.size();
  const bool fits = gathering_.polled.records.empty() ||
                    (!full(budget) && gathering_.bytes + size <= budget.max_bytes);
  if (!fits) {
    carried_.push_back(std::move(record));
    return false;
  }
  gathering_.bytes += size;
  gathering_.polled.records.push_back(std::move(record));
  return true;
}

bool KafkaSource::accept(MessageHandle message, const PollBudget& budget) {
  auto* owned = assignment_.find(rd_kafka_topic_name(message->rkt), message->partition);
  if (owned == nullptr || owned->stopped) return true;
  owned->next = owned->reached = message->offset + 1;
  owned->at_end = false;
  heard_of(*owned, *message);
  return gather(to_record(std::move(message)), budget);
}

void KafkaSource::heard_of(Owned& owned, const rd_kafka_message_t& message) {
  if (!owned.stall.over()) return;
  constexpr int kInformation = 6;
  voice_.say(kInformation, std::string(rd_kafka_topic_name(message.rkt)) + '/' +
                               std::to_string(message.partition) + " is heard of again");
}

void KafkaSource::on_event(const rd_kafka_message_t& message) {
  auto* owned = message.rkt == nullptr
                    ? nullptr
                    : assignment_.find(rd_kafka_topic_name(message.rkt), message.partition);
  if (owned != nullptr) heard_of(*owned, message);
  switch (message.err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
      if (owned == nullptr || owned->stopped) return;
      owned->at_end = true;
      owned->reached = std::max(owned->reached, message.offset);
      return;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
      return on_out_of_range(message);
    case RD_KAFKA_RESP_ERR__FATAL:
      return;  // throw_if_failed asks for the cause
    case RD_KAFKA_RESP_ERR__BAD_MSG:
    case RD_KAFKA_RESP_ERR__BAD_COMPRESSION:
    case RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED:
      if (owned != nullptr) return on_unreadable(*owned, message);
      [[fallthrough]];
    default:
      voice_.consumer_error(message);
  }
}

void KafkaSource::on_unreadable(Owned& owned, const rd_kafka_message_t& message) {
  // What follows is on its way already: librdkafka goes on behind a batch that is damaged.
  assignment_.stop_to_retry(owned);
  voice_.unreadable(message, owned.next);
}

void KafkaSource::on_out_of_range(const rd_kafka_message_t& message) {
  const TopicPartition partition{rd_kafka_topic_name(message.rkt), message.partition};
  auto* owned = assignment_.find(partition);
  if (owned == nullptr) return;
  owned->stopped = true;
  const auto asked = message.offset >= 0 ? message.offset : owned->next;
  gathering_.polled.out_of_range.push_back({partition, asked});
}

void KafkaSource::throw_if_failed() {
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  std::array<char, 512> cause{};
  const auto code = rd_kafka_fatal_error(rk_, cause.data(), cause.size());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) throw FatalSourceError(fatal_text(code, cause.data()));
}

std::string KafkaSource::fatal_text(rd_kafka_resp_err_t code, const char* cause) const {
  // Of KIP-848, where the first one stays. 2.0.2 has no name for it.
  constexpr auto kUnreleasedInstanceId = static_cast<rd_kafka_resp_err_t>(111);
  if (code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID || code == kUnreleasedInstanceId)
    return std::string(kInstanceId) + " \"" + instance_id() +
           "\" belongs to another member of group \"" + options_.group +
           "\" now; give every process an id of its own (" + cause + ')';
  return std::string("this member of the group cannot go on: ") + cause;
}

}  // namespace kinbox::kafka
