#pragma once

#include <map>

#include "kinbox/kafka/log_reader.hpp"

namespace kinbox::kafka {

/// Offsets of the first records at or after `time`, found by reading; the logs' ends where there is
/// none. Times need not grow along a log, so every record up to there is looked at. `reader` is
/// free for it. Throws Error when that is more than `bounds` allow, and as LogReader::next does.
std::map<TopicPartition, Offset> scan_for_time(LogReader& reader,
                                               const std::map<TopicPartition, LogRange>& logs,
                                               Timestamp time, const TimeScanBounds& bounds);

}  // namespace kinbox::kafka
