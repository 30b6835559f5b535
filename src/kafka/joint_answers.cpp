#include "kafka/joint_answers.hpp"

#include <utility>

namespace kinbox::kafka {
namespace {

using Clock = std::chrono::steady_clock;

/// Retention may take away meanwhile what the answer calls the log's start; then the partition
/// halts, although nothing of it was read yet. So not for long.
constexpr std::chrono::seconds kGoodFor{5};

}  // namespace

bool JointAnswers::has(Question question, const TopicPartition& partition) const {
  const auto kept = kept_.find(question);
  return kept != kept_.end() && Clock::now() < kept->second.until &&
         kept->second.answers.contains(partition);
}

void JointAnswers::keep(Question question, Answers answers) {
  kept_.insert_or_assign(question, Kept{std::move(answers), Clock::now() + kGoodFor});
}

}  // namespace kinbox::kafka
