#pragma once

#include <chrono>
#include <map>

#include "kafka/log_queries.hpp"

namespace kinbox::kafka {

/// Answers about many partitions at once, good for a while.
///
/// Who takes thousands of partitions asks about one after the other. A broker serves the requests
/// of a connection in turn, and a fetch among them waits for records: half a second for each
/// question.
class JointAnswers {
 public:
  bool has(Question question, const TopicPartition& partition) const;
  /// Only what `has` says is there.
  const Answers& of(Question question) const { return kept_.at(question).answers; }
  void keep(Question question, Answers answers);
  void forget() { kept_.clear(); }

 private:
  struct Kept {
    Answers answers;
    std::chrono::steady_clock::time_point until;
  };
  std::map<Question, Kept> kept_;
};

}  // namespace kinbox::kafka
