#pragma once

#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "kafka/handles.hpp"
#include "kafka/voice.hpp"
#include "kinbox/kafka/publisher.hpp"

namespace kinbox::kafka {

/// See make_publisher for the contract.
class KafkaPublisher final : public Publisher {
 public:
  KafkaPublisher(PublisherOptions options, Observer& observer);
  ~KafkaPublisher() override;
  KafkaPublisher(const KafkaPublisher&) = delete;
  KafkaPublisher& operator=(const KafkaPublisher&) = delete;

  void publish(std::uint64_t ticket, const OwnedRecord& record) override;
  std::vector<Delivery> wait(std::chrono::milliseconds timeout) override;

  Voice& voice() noexcept { return voice_; }

 private:
  rd_kafka_t* start();
  void send(std::uint64_t ticket, const OwnedRecord& record);
  /// Waits, for a bounded time, while the producer's queue is full.
  rd_kafka_resp_err_t hand_over(std::uint64_t ticket, const OwnedRecord& record);
  void on_report(const rd_kafka_message_t& report);
  void settle(std::uint64_t ticket, rd_kafka_resp_err_t error, const std::string& topic,
              std::size_t size);
  void send_next_alone();
  bool is_dead() const;
  std::string why_dead() const;
  void replace_dead();

  PublisherOptions options_;
  Voice voice_;
  rd_kafka_t* rk_;
  /// Handed to librdkafka, report not in. Reports of failures do not tell the record's timestamp.
  std::map<std::uint64_t, std::optional<Timestamp>> under_way_;
  /// A broker refuses a whole batch because of its size, or of one record in it. Each of its
  /// records is tried once more, alone, before it is refused.
  std::deque<std::pair<std::uint64_t, OwnedRecord>> to_send_alone_;
  std::optional<std::uint64_t> alone_;
  std::vector<Delivery> known_;
};

}  // namespace kinbox::kafka
