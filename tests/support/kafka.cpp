#include "support/kafka.hpp"

#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include <array>
#include <stdexcept>

#include "support/unique_name.hpp"

namespace kinbox::testing {
namespace {

using Clock = std::chrono::steady_clock;

void* bytes(const std::optional<std::string>& text) {
  return text ? const_cast<char*>(text->data()) : nullptr;
}

std::size_t size(const std::optional<std::string>& text) { return text ? text->size() : 0; }

class PlainProducer {
 public:
  explicit PlainProducer(const std::string& bootstrap_servers,
                         std::map<std::string, std::string> settings = {}) {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    settings.insert({{"bootstrap.servers", bootstrap_servers},
                     {"linger.ms", "5"},
                     {"message.timeout.ms", "20000"},
                     {"message.max.bytes", "50000000"},
                     {"socket.nagle.disable", "true"}});
    for (const auto& [key, value] : settings)
      rd_kafka_conf_set(conf, key.c_str(), value.c_str(), nullptr, 0);
    rd_kafka_conf_set_dr_msg_cb(conf, [](rd_kafka_t*, const rd_kafka_message_t* report, void*) {
      auto& offset = *static_cast<Offset*>(report->_private);
      offset = report->err == RD_KAFKA_RESP_ERR_NO_ERROR ? report->offset : Offset{-1};
    });
    std::array<char, 512> error{};
    rk_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error.data(), error.size());
    if (rk_ == nullptr) throw std::runtime_error(error.data());
  }
  ~PlainProducer() { rd_kafka_destroy(rk_); }
  PlainProducer(const PlainProducer&) = delete;
  PlainProducer& operator=(const PlainProducer&) = delete;

  void send(const OwnedRecord& record, Offset& offset) {
    rd_kafka_headers_t* headers = rd_kafka_headers_new(record.headers.size());
    for (const auto& [name, value] : record.headers)
      rd_kafka_header_add(headers, name.data(), static_cast<ssize_t>(name.size()), bytes(value),
                          static_cast<ssize_t>(size(value)));
    const std::int64_t milliseconds =
        record.timestamp ? record.timestamp->time_since_epoch().count() : 0;
    const auto error = rd_kafka_producev(
        rk_, RD_KAFKA_V_TOPIC(record.topic.c_str()), RD_KAFKA_V_PARTITION(record.partition),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_VALUE(bytes(record.value), size(record.value)),
        RD_KAFKA_V_KEY(bytes(record.key), size(record.key)), RD_KAFKA_V_HEADERS(headers),
        RD_KAFKA_V_TIMESTAMP(milliseconds), RD_KAFKA_V_OPAQUE(&offset), RD_KAFKA_V_END);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return;
    rd_kafka_headers_destroy(headers);
    throw std::runtime_error(rd_kafka_err2str(error));
  }

  void begin_transaction() {
    check(rd_kafka_init_transactions(rk_, kPatience));
    check(rd_kafka_begin_transaction(rk_));
  }
  void end_transaction(bool commit) {
    check(commit ? rd_kafka_commit_transaction(rk_, kPatience)
                 : rd_kafka_abort_transaction(rk_, kPatience));
  }

  void flush() {
    if (rd_kafka_flush(rk_, kPatience) != RD_KAFKA_RESP_ERR_NO_ERROR)
      throw std::runtime_error("test records could not be produced");
  }

 private:
  static constexpr int kPatience = 20'000;

  static void check(rd_kafka_error_t* error) {
    if (error == nullptr) return;
    const std::string text = rd_kafka_error_string(error);
    rd_kafka_error_destroy(error);
    throw std::runtime_error("transaction: " + text);
  }

  rd_kafka_t* rk_ = nullptr;
};

}  // namespace

std::map<std::string, std::string> fast_settings(const std::string& bootstrap_servers) {
  return {{"bootstrap.servers", bootstrap_servers},
          {"session.timeout.ms", "3500"},
          {"heartbeat.interval.ms", "100"},
          {"fetch.wait.max.ms", "10"}};
}

std::vector<Offset> produce(const std::string& bootstrap_servers,
                            std::span<const OwnedRecord> records,
                            const std::map<std::string, std::string>& settings) {
  PlainProducer producer(bootstrap_servers, settings);
  std::vector<Offset> offsets(records.size(), -1);
  for (std::size_t i = 0; i < records.size(); ++i) producer.send(records[i], offsets[i]);
  producer.flush();
  for (const auto offset : offsets)
    if (offset < 0) throw std::runtime_error("a test record was not delivered");
  return offsets;
}

class OpenKafkaTransaction::Producer : public PlainProducer {
  using PlainProducer::PlainProducer;
};

OpenKafkaTransaction::OpenKafkaTransaction(const std::string& bootstrap_servers,
                                           std::span<const OwnedRecord> records)
    : producer_(std::make_unique<Producer>(
          bootstrap_servers,
          std::map<std::string, std::string>{{"transactional.id", unique_name("tx")}})) {
  std::vector<Offset> offsets(records.size(), -1);
  producer_->begin_transaction();
  for (std::size_t i = 0; i < records.size(); ++i) producer_->send(records[i], offsets[i]);
  producer_->flush();
}

OpenKafkaTransaction::~OpenKafkaTransaction() = default;

void OpenKafkaTransaction::end(bool commit) { producer_->end_transaction(commit); }

void produce_in_transaction(const std::string& bootstrap_servers,
                            std::span<const OwnedRecord> records, bool commit) {
  OpenKafkaTransaction(bootstrap_servers, records).end(commit);
}

std::vector<OwnedRecord> numbered_records(const std::string& topic, std::int32_t partition,
                                          int count, int first) {
  std::vector<OwnedRecord> records;
  for (int i = first; i < first + count; ++i) {
    auto& record = records.emplace_back(text_record(topic, partition, "v" + std::to_string(i)));
    record.key = "k" + std::to_string(i);
  }
  return records;
}

OwnedRecord text_record(const std::string& topic, std::int32_t partition, std::string value) {
  return {.topic = topic,
          .partition = partition,
          .offset = 0,
          .timestamp = {},
          .key = "k",
          .value = std::move(value),
          .headers = {}};
}

void LibraryMessages::on_notice(const Notice& notice) {
  const auto* message = std::get_if<notice::SourceMessage>(&notice);
  if (message == nullptr) return;
  const std::lock_guard lock(mutex_);
  messages_.push_back(*message);
}

std::vector<notice::SourceMessage> LibraryMessages::messages() const {
  const std::lock_guard lock(mutex_);
  return messages_;
}

bool LibraryMessages::was_told(const std::string& text) const {
  return all_text().find(text) != std::string::npos;
}

std::string LibraryMessages::all_text() const {
  std::string all;
  for (const auto& message : messages())
    all += std::to_string(message.severity) + " " + message.text + "\n";
  return all;
}

std::vector<std::optional<Offset>> RecordingListener::on_assigned(
    std::span<const TopicPartition> partitions) {
  ++assignments_;
  std::vector<std::optional<Offset>> starts;
  for (const auto& partition : partitions) {
    EXPECT_TRUE(owned_.insert(partition).second) << partition.topic << " was assigned twice";
    starts.push_back(where_(partition));
  }
  return starts;
}

void RecordingListener::on_revoked(std::span<const TopicPartition> partitions, Revocation how) {
  if (when_revoked) when_revoked(partitions, how);
  revocations_.push_back(how);
  for (const auto& partition : partitions)
    EXPECT_EQ(owned_.erase(partition), 1U) << partition.topic << " was not ours";
}

bool poll_until(Source& source, const std::function<void(const Polled&)>& take,
                const std::function<bool()>& done, PollBudget budget,
                std::chrono::milliseconds limit) {
  const auto deadline = Clock::now() + limit;
  while (!done()) {
    if (Clock::now() > deadline) {
      ADD_FAILURE() << "the source did not bring what was expected in time";
      return false;
    }
    take(source.poll(budget));
  }
  return true;
}

std::vector<OwnedRecord> poll_records(Source& source, std::size_t count, PollBudget budget) {
  std::vector<OwnedRecord> records;
  poll_until(
      source,
      [&](const Polled& polled) {
        for (const auto& record : polled.records) records.push_back(record.copy());
      },
      [&] { return records.size() >= count; }, budget);
  return records;
}

std::vector<Offset> offsets_of(const std::vector<OwnedRecord>& records) {
  std::vector<Offset> offsets;
  for (const auto& record : records) offsets.push_back(record.offset);
  return offsets;
}

}  // namespace kinbox::testing
