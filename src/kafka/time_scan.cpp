#include "kafka/time_scan.hpp"

#include <algorithm>

#include "core/iso_time.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::kafka {
namespace {

using Clock = std::chrono::steady_clock;

class TimeScan {
 public:
  TimeScan(LogReader& reader, Timestamp time, const TimeScanBounds& bounds)
      : reader_(reader), time_(time), bounds_(bounds), deadline_(Clock::now() + bounds.time) {}

  Offset first_in(const TopicPartition& partition, const LogRange& log) {
    reader_.start(std::vector{LogSlice{partition, log.start, log.end}});
    for (auto records = next(partition, log.start); !records.empty();
         records = next(partition, records.back().offset() + 1)) {
      const auto first = std::ranges::find_if(
          records, [&](const Record& record) { return record.timestamp() >= time_; });
      read_ += first - records.begin();
      if (first == records.end()) continue;
      ++read_;
      return first->offset();
    }
    return log.end;
  }

 private:
  static constexpr std::int64_t kPortion = 2'000;

  std::vector<Record> next(const TopicPartition& partition, Offset from) {
    const auto left = bounds_.records - read_;
    if (left <= 0 || Clock::now() >= deadline_) give_up(partition, from);
    return reader_.next(static_cast<std::size_t>(std::min(left, kPortion)));
  }

  [[noreturn]] void give_up(const TopicPartition& partition, Offset from) const {
    throw Error("the brokers do not know where times are in " + partition.topic +
                ", and reading on for " + iso_text(time_) + " was given up after " +
                std::to_string(read_) + " records, before offset " + std::to_string(from) +
                " of partition " + std::to_string(partition.partition) +
                "; say an offset instead of a time, or choose fewer partitions");
  }

  LogReader& reader_;
  Timestamp time_;
  TimeScanBounds bounds_;
  Clock::time_point deadline_;
  std::int64_t read_ = 0;
};

}  // namespace

std::map<TopicPartition, Offset> scan_for_time(LogReader& reader,
                                               const std::map<TopicPartition, LogRange>& logs,
                                               Timestamp time, const TimeScanBounds& bounds) {
  TimeScan scan(reader, time, bounds);
  std::map<TopicPartition, Offset> offsets;
  for (const auto& [partition, log] : logs) offsets[partition] = scan.first_in(partition, log);
  return offsets;
}

}  // namespace kinbox::kafka
