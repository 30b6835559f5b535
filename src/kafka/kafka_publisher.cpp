#include "kafka/kafka_publisher.hpp"

#include <algorithm>
#include <array>

#include "kafka/client_config.hpp"
#include "kafka/message_record.hpp"
#include "kafka/shutdown.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::kafka {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kQueueFullPatience{1'000};
constexpr milliseconds kTick{20};

int to_int(milliseconds time) { return static_cast<int>(time.count()); }

std::optional<std::string> text_of(std::optional<Bytes> bytes) {
  if (!bytes) return std::nullopt;
  return std::string(as_text(*bytes));
}

/// What a delivery report still knows of its record: not its timestamp.
OwnedRecord record_of(const rd_kafka_message_t& report) {
  const auto view = [](const void* data, std::size_t size) -> std::optional<std::string> {
    if (data == nullptr) return std::nullopt;
    return std::string(static_cast<const char*>(data), size);
  };
  OwnedRecord record;
  record.topic = rd_kafka_topic_name(report.rkt);
  record.key = view(report.key, report.key_len);
  record.value = view(report.payload, report.len);
  for (const auto& header : headers_of(report))
    record.headers.push_back({std::string(header.name), text_of(header.value)});
  return record;
}

HeadersHandle headers_from(const OwnedRecord& record) {
  HeadersHandle headers(rd_kafka_headers_new(record.headers.size()));
  for (const auto& [name, value] : record.headers)
    rd_kafka_header_add(headers.get(), name.data(), static_cast<ssize_t>(name.size()),
                        value ? value->data() : nullptr,
                        value ? static_cast<ssize_t>(value->size()) : 0);
  return headers;
}

rd_kafka_vu_t field(rd_kafka_vtype_t type, const std::optional<std::string>& text) {
  rd_kafka_vu_t vu{};
  vu.vtype = type;
  // Copied by the library; the pointer is not const in its C declaration only.
  if (text) vu.u.mem = {const_cast<char*>(text->data()), text->size()};
  return vu;
}

rd_kafka_resp_err_t produce(rd_kafka_t* rk, std::uint64_t ticket, const OwnedRecord& record) {
  std::array<rd_kafka_vu_t, 7> fields{};
  fields[0].vtype = RD_KAFKA_VTYPE_TOPIC;
  fields[0].u.cstr = record.topic.c_str();
  fields[1].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
  fields[1].u.i = RD_KAFKA_MSG_F_COPY;
  fields[2] = field(RD_KAFKA_VTYPE_KEY, record.key);
  fields[3] = field(RD_KAFKA_VTYPE_VALUE, record.value);
  fields[4].vtype = RD_KAFKA_VTYPE_TIMESTAMP;  // 0: now
  fields[4].u.i64 = record.timestamp ? record.timestamp->time_since_epoch().count() : 0;
  fields[5].vtype = RD_KAFKA_VTYPE_OPAQUE;
  fields[5].u.ptr = reinterpret_cast<void*>(static_cast<std::uintptr_t>(ticket));
  auto headers = headers_from(record);
  fields[6].vtype = RD_KAFKA_VTYPE_HEADERS;
  fields[6].u.headers = headers.get();
  const ErrorHandle error(rd_kafka_produceva(rk, fields.data(), fields.size()));
  if (error) return rd_kafka_error_code(error.get());
  headers.release();  // the message's now
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

bool is_refusal(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ||
         error == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE ||
         error == RD_KAFKA_RESP_ERR_INVALID_RECORD;
}

bool is_too_large(rd_kafka_resp_err_t error) {
  return is_refusal(error) && error != RD_KAFKA_RESP_ERR_INVALID_RECORD;
}

std::string text_of(rd_kafka_resp_err_t error, const std::string& topic, std::size_t size) {
  if (is_too_large(error))
    return "topic \"" + topic + "\": a record of " + std::to_string(size) +
           " bytes is larger than it takes; raise its max.message.bytes";
  if (error == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT)
    return "topic \"" + topic +
           "\": not taken within message.timeout.ms; the broker is away, or this user may not use "
           "it";
  return topic_error_text(topic, error, rd_kafka_err2str(error));
}

}  // namespace

std::unique_ptr<Publisher> make_publisher(PublisherOptions options, Observer& observer) {
  return std::make_unique<KafkaPublisher>(std::move(options), observer);
}

KafkaPublisher::KafkaPublisher(PublisherOptions options, Observer& observer)
    : options_(std::move(options)), voice_(observer), rk_(start()) {}

KafkaPublisher::~KafkaPublisher() {
  const auto deadline = Clock::now() + options_.close_timeout;
  rd_kafka_flush(rk_, to_int(options_.close_timeout));
  // Without it the destruction waits for what is still queued.
  rd_kafka_purge(rk_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  rd_kafka_flush(rk_, to_int(kTick));
  constexpr std::chrono::seconds kAtLeast{1};
  destroy_by(rk_, std::max(deadline, Clock::now() + kAtLeast));
}

rd_kafka_t* KafkaPublisher::start() {
  auto conf = producer_conf(options_.settings);
  rd_kafka_conf_set_opaque(conf.get(), this);
  route_messages<KafkaPublisher>(conf.get());
  rd_kafka_conf_set_dr_msg_cb(conf.get(),
                              [](rd_kafka_t*, const rd_kafka_message_t* report, void* self) {
                                static_cast<KafkaPublisher*>(self)->on_report(*report);
                              });
  rd_kafka_t* rk = start_client(RD_KAFKA_PRODUCER, std::move(conf));
  rd_kafka_set_log_queue(rk, nullptr);
  return rk;
}

void KafkaPublisher::publish(std::uint64_t ticket, const OwnedRecord& record) {
  if (is_dead()) replace_dead();
  alone_.reset();  // it has company now
  send(ticket, record);
}

std::vector<Delivery> KafkaPublisher::wait(milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  rd_kafka_poll(rk_, 0);
  while (known_.empty()) {
    if (is_dead()) replace_dead();
    send_next_alone();
    if (under_way_.empty() || Clock::now() >= deadline) break;
    rd_kafka_poll(rk_, to_int(kTick));
  }
  return std::exchange(known_, {});
}

void KafkaPublisher::send(std::uint64_t ticket, const OwnedRecord& record) {
  under_way_.emplace(ticket, record.timestamp);
  const auto error = hand_over(ticket, record);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
    settle(ticket, error, record.topic, Record(record).size());
}

rd_kafka_resp_err_t KafkaPublisher::hand_over(std::uint64_t ticket, const OwnedRecord& record) {
  const auto deadline = Clock::now() + kQueueFullPatience;
  while (true) {
    const auto error = produce(rk_, ticket, record);
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL || Clock::now() >= deadline) return error;
    rd_kafka_poll(rk_, to_int(kTick));
  }
}

void KafkaPublisher::on_report(const rd_kafka_message_t& report) {
  const auto ticket = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(report._private));
  if (is_refusal(report.err) && alone_ != ticket) {
    auto record = record_of(report);
    record.timestamp = under_way_.at(ticket);
    under_way_.erase(ticket);
    to_send_alone_.emplace_back(ticket, std::move(record));
    return;
  }
  settle(ticket, report.err, rd_kafka_topic_name(report.rkt), report.len + report.key_len);
}

void KafkaPublisher::settle(std::uint64_t ticket, rd_kafka_resp_err_t error,
                            const std::string& topic, std::size_t size) {
  under_way_.erase(ticket);
  using Outcome = Delivery::Outcome;
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
    known_.push_back({ticket, Outcome::kDelivered, {}});
  else
    known_.push_back({ticket, is_refusal(error) ? Outcome::kRefused : Outcome::kRetry,
                      is_dead() && !is_refusal(error) ? why_dead() : text_of(error, topic, size)});
}

void KafkaPublisher::send_next_alone() {
  if (!under_way_.empty() || to_send_alone_.empty()) return;
  const auto [ticket, record] = std::move(to_send_alone_.front());
  to_send_alone_.pop_front();
  alone_ = ticket;
  send(ticket, record);
}

bool KafkaPublisher::is_dead() const {
  return rd_kafka_fatal_error(rk_, nullptr, 0) != RD_KAFKA_RESP_ERR_NO_ERROR;
}

std::string KafkaPublisher::why_dead() const {
  std::array<char, 512> cause{};
  rd_kafka_fatal_error(rk_, cause.data(), cause.size());
  return std::string("the producer has to be made anew: ") + cause.data();
}

void KafkaPublisher::replace_dead() {
  rd_kafka_purge(rk_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  rd_kafka_flush(rk_, to_int(kTick));  // reports
  for (const auto& [ticket, timestamp] : std::exchange(under_way_, {}))
    known_.push_back({ticket, Delivery::Outcome::kRetry, why_dead()});
  alone_.reset();
  constexpr std::chrono::seconds kPatience{2};
  destroy_by(rk_, Clock::now() + kPatience);
  rk_ = start();
}

}  // namespace kinbox::kafka
