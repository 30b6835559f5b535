#include "kinbox/kafka/log_reader.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/coordinates_text.hpp"
#include "kafka/client_config.hpp"
#include "kafka/fetch_nudge.hpp"
#include "kafka/log_queries.hpp"
#include "kafka/message_record.hpp"
#include "kafka/partition_list.hpp"
#include "kafka/shutdown.hpp"
#include "kafka/time_scan.hpp"
#include "kafka/voice.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::kafka {
namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

class LogReader::Impl {
 public:
  Impl(const Settings& settings, std::chrono::milliseconds patience, const TimeScanBounds& scan)
      : settings_(settings),
        patience_(patience),
        scan_(scan),
        rk_(start_client(settings)),
        nudge_(std::in_place, rk_) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    nudge_.reset();
    destroy_by(rk_, Clock::now() + std::chrono::seconds{5});
  }

  Voice& voice() noexcept { return voice_; }

  std::map<TopicPartition, Offset> ask(Question question,
                                       std::span<const TopicPartition> partitions) {
    std::map<TopicPartition, Offset> offsets;
    if (partitions.empty()) return offsets;
    try {
      const auto answers = ask_brokers(rk_, question, partitions, patience_);
      for (const auto& partition : partitions) offsets[partition] = offset_for(partition, answers);
      return offsets;
    } catch (const InfrastructureError& e) {
      // While something is read, polls bring what is said, and records.
      if (unread_.empty()) const MessageHandle none(rd_kafka_consumer_poll(rk_, 0));
      throw InfrastructureError(e.what() + voice_.last_trouble());
    }
  }

  /// Of those, the ones whose brokers do not know times.
  std::map<TopicPartition, LogRange> without_times(std::map<TopicPartition, LogRange> logs) {
    std::erase_if(logs, [](const auto& one) { return one.second.start >= one.second.end; });
    std::vector<TopicPartition> partitions;
    partitions.reserve(logs.size());
    for (const auto& [partition, log] : logs) partitions.push_back(partition);
    // Whoever knows times knows of a record behind the first of them.
    const auto any = ask(0, partitions);
    std::erase_if(logs, [&](const auto& one) { return any.at(one.first) >= 0; });
    return logs;
  }

  std::map<TopicPartition, Offset> scan_for_time(const std::map<TopicPartition, LogRange>& logs,
                                                 Timestamp time) const {
    if (logs.empty()) return {};
    // Another one: what this one was told to read goes on.
    LogReader reader(settings_, patience_, scan_);
    return kafka::scan_for_time(reader, logs, time, scan_);
  }

  std::string topic_id(const std::string& topic) { return kafka::topic_id(rk_, topic, patience_); }

  std::string cluster_id() { return kafka::cluster_id(rk_, patience_); }

  void start(std::span<const LogSlice> slices) {
    latest_ = nullptr;
    unread_.clear();
    // A pause survives the assignment it was made in.
    for (const auto& partition : std::exchange(paused_, {}))
      rd_kafka_resume_partitions(rk_, list_of(partition).get());
    const auto list = new_list(slices.size());
    for (const auto& slice : slices) {
      if (slice.begin >= slice.end) continue;
      add(list, slice.partition, slice.begin);
      unread_.emplace(slice.partition, slice);
    }
    const auto error = rd_kafka_assign(rk_, list.get());
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
      throw InfrastructureError(std::string("cannot read: ") + rd_kafka_err2str(error));
  }

  std::vector<Record> next(std::size_t max_records) {
    std::vector<Record> records;
    std::size_t bytes = 0;
    constexpr std::size_t kMaxBytes = std::size_t{16} << 20;
    std::optional<Clock::time_point> deadline;
    if (nudge_->is_due()) nudge_->nudge(unread());
    while (!unread_.empty() && records.size() < max_records && bytes < kMaxBytes) {
      auto message = poll(records.empty());
      if (!message) {
        if (!records.empty()) break;
        const auto now = Clock::now();
        if (!deadline) deadline = now + patience_;
        if (now >= *deadline) silence();
      } else if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        on_event(*message);
      } else if (auto record = accept(std::move(message))) {
        bytes += record->size();
        records.push_back(std::move(*record));
      }
    }
    return records;
  }

 private:
  rd_kafka_t* start_client(const Settings& settings) {
    auto conf = consumer_conf(settings, "kinbox-reader");
    rd_kafka_conf_set_opaque(conf.get(), this);
    route_messages<Impl>(conf.get());
    auto* rk = kafka::start_client(RD_KAFKA_CONSUMER, std::move(conf));
    rd_kafka_poll_set_consumer(rk);
    rd_kafka_set_log_queue(rk, nullptr);
    return rk;
  }

  MessageHandle poll(bool wait) {
    constexpr int kWaitMilliseconds = 100;
    return MessageHandle(rd_kafka_consumer_poll(rk_, wait ? kWaitMilliseconds : 0));
  }

  std::optional<Record> accept(MessageHandle message) {
    const auto* const slice = slice_of(*message);
    if (slice == nullptr) return std::nullopt;
    const auto [begin, end] = std::pair(slice->begin, slice->end);
    const auto offset = message->offset;
    if (offset + 1 >= end) finish(TopicPartition(slice->partition));
    if (offset >= end || offset < begin) return std::nullopt;
    return to_record(std::move(message));
  }

  /// Null: it is not read, or no more.
  const LogSlice* slice_of(const rd_kafka_message_t& message) {
    const char* const topic = rd_kafka_topic_name(message.rkt);
    // Mostly the one of the record before.
    if (latest_ == nullptr || latest_->partition.partition != message.partition ||
        latest_->partition.topic != topic) {
      const auto found = unread_.find(TopicPartition{topic, message.partition});
      latest_ = found == unread_.end() ? nullptr : &found->second;
    }
    return latest_;
  }

  std::vector<TopicPartition> unread() const {
    std::vector<TopicPartition> partitions;
    for (const auto& [partition, slice] : unread_) partitions.push_back(partition);
    return partitions;
  }

  void finish(const TopicPartition& partition) {
    latest_ = nullptr;
    if (unread_.erase(partition) == 0) return;
    paused_.push_back(partition);
    // It would go on to be fetched for nothing.
    rd_kafka_pause_partitions(rk_, list_of(partition).get());
  }

  void on_event(const rd_kafka_message_t& message) {
    const auto topic = message.rkt == nullptr ? "" : rd_kafka_topic_name(message.rkt);
    const TopicPartition partition{topic, message.partition};
    switch (message.err) {
      case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        return finish(partition);
      case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
        throw Error("the log at " + coordinates_text(partition, message.offset) +
                    " was deleted while it was read; start again");
      case RD_KAFKA_RESP_ERR__BAD_MSG:
      case RD_KAFKA_RESP_ERR__BAD_COMPRESSION:
      case RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED:
        throw Error(topic + ('/' + std::to_string(partition.partition)) +
                    ": records cannot be read: " + rd_kafka_message_errstr(&message));
      case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
      case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
      case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
        throw ConfigurationError(
            topic_error_text(topic, message.err, rd_kafka_message_errstr(&message)));
      default:
        return;  // the client tries again, until patience ends
    }
  }

  [[noreturn]] void silence() {
    const auto& [partition, slice] = *unread_.begin();
    throw InfrastructureError("no broker brings the records from " +
                              coordinates_text(partition, slice.begin) + " on" +
                              voice_.last_trouble());
  }

  Observer silent_;  // exceptions say it
  Voice voice_{silent_};
  Settings settings_;
  std::chrono::milliseconds patience_;
  TimeScanBounds scan_;
  rd_kafka_t* rk_;
  std::optional<FetchNudge> nudge_;
  std::map<TopicPartition, LogSlice> unread_;
  const LogSlice* latest_ = nullptr;
  std::vector<TopicPartition> paused_;
};

LogReader::LogReader(const Settings& settings, std::chrono::milliseconds patience,
                     const TimeScanBounds& scan)
    : impl_(std::make_unique<Impl>(settings, patience, scan)) {}

LogReader::~LogReader() = default;

std::map<TopicPartition, LogRange> LogReader::ranges(std::span<const TopicPartition> partitions) {
  std::map<TopicPartition, LogRange> ranges;
  const auto ends = impl_->ask(kLogEnd, partitions);
  for (const auto& [partition, start] : impl_->ask(kLogStart, partitions))
    ranges[partition] = {start, ends.at(partition)};
  return ranges;
}

std::map<TopicPartition, Offset> LogReader::offsets_at(std::span<const TopicPartition> partitions,
                                                       Timestamp time) {
  // The protocol has another meaning for negative ones.
  const auto milliseconds = std::max<Question>(0, time.time_since_epoch().count());
  auto offsets = impl_->ask(milliseconds, partitions);
  std::vector<TopicPartition> untold;
  for (const auto& [partition, offset] : offsets)
    if (offset < 0) untold.push_back(partition);
  const auto logs = ranges(untold);
  for (const auto& [partition, log] : logs) offsets[partition] = log.end;
  for (const auto& [partition, offset] : impl_->scan_for_time(impl_->without_times(logs), time))
    offsets[partition] = offset;
  return offsets;
}

std::string LogReader::cluster_id() { return impl_->cluster_id(); }

std::string LogReader::topic_id(const std::string& topic) { return impl_->topic_id(topic); }

void LogReader::start(std::span<const LogSlice> slices) { impl_->start(slices); }

std::vector<Record> LogReader::next(std::size_t max_records) { return impl_->next(max_records); }

}  // namespace kinbox::kafka
