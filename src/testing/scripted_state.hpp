#pragma once

#include <condition_variable>
#include <map>
#include <mutex>

#include "kinbox/testing/scripted_log.hpp"

namespace kinbox::testing {

/// What log and members share; `mutex` guards all of it, the members' scripts included.
struct ScriptedLog::State {
  struct Log {
    Offset start = 0;
    Offset end = 0;
    std::map<Offset, OwnedRecord> records;
  };

  std::mutex mutex;
  std::condition_variable changed;
  std::map<TopicPartition, Log> logs;
  std::map<TopicPartition, Offset> told;
  /// How often a topic was created anew.
  std::map<std::string, int> recreations;
  bool topic_ids_hidden = false;
};

}  // namespace kinbox::testing
