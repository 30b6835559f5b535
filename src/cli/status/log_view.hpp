#pragma once

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "kinbox/kafka/log_reader.hpp"
#include "kinbox/source.hpp"

namespace kinbox::cli {

/// A partition and the next offset that somebody reads of it.
using ReadingPlace = std::pair<TopicPartition, Offset>;

struct LogStates {
  std::map<TopicPartition, Offset> ends;
  /// Timestamps of the next records to be read, where there is one.
  std::map<ReadingPlace, Timestamp> next_records;
  /// Why the rest is not known; empty when all is.
  std::string missing;
};

/// What the brokers say about logs that somebody reads. Joins no group. Keeps its connections from
/// look to look.
class LogView {
 public:
  /// One look waits about `patience`, however many partitions there are.
  LogView(const kafka::Settings& settings, std::chrono::milliseconds patience);

  /// Never throws for what the brokers say, or do not.
  LogStates look(const std::set<ReadingPlace>& places);

 private:
  using Clock = std::chrono::steady_clock;

  void ask_ends(const std::set<ReadingPlace>& places, LogStates& states);
  void read_next(const std::set<ReadingPlace>& places, Clock::time_point deadline,
                 LogStates& states);

  kafka::LogReader reader_;
  std::chrono::milliseconds patience_;
};

}  // namespace kinbox::cli
