#include <algorithm>

#include "kafka/kafka_source.hpp"

namespace kinbox::kafka {

void KafkaSource::on_rebalance(rd_kafka_t* rk, rd_kafka_resp_err_t what,
                               rd_kafka_topic_partition_list_t* partitions, void* source) {
  auto& self = *static_cast<KafkaSource*>(source);
  switch (what) {
    case RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS:
      return self.on_assigned(partitions_of(partitions));
    case RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS: {
      // Asked first: the answer clears it.
      const bool lost = rd_kafka_assignment_lost(rk) != 0;
      return self.on_revoked(partitions_of(partitions),
                             lost ? Revocation::kLost : Revocation::kOrderly);
    }
    default:
      self.voice_.say(3, std::string("rebalance failed: ") + rd_kafka_err2str(what));
      return self.on_revoked(self.assignment_.partitions(), Revocation::kLost);
  }
}

void KafkaSource::on_assigned(const std::vector<TopicPartition>& partitions) {
  assigned_by_.reset();
  assignment_.add(partitions);
  joint_answers_.forget();
  const auto starts = ask_where(partitions);
  for (std::size_t i = 0; i < std::min(starts.size(), partitions.size()); ++i)
    if (starts[i]) assignment_.start(*assignment_.find(partitions[i]), *starts[i]);
  assignment_.answer_assigned();
}

std::vector<std::optional<Offset>> KafkaSource::ask_where(
    const std::vector<TopicPartition>& partitions) {
  try {
    return listener_->on_assigned(partitions);
  } catch (...) {
    failure_ = std::current_exception();
    return {};
  }
}

void KafkaSource::on_revoked(const std::vector<TopicPartition>& partitions, Revocation how) {
  if (how == Revocation::kLost) {
    assignment_.lose(partitions);
    for (const auto& partition : partitions) teller_->forget(partition);
  }
  announce_revoked(partitions, how);
  for (const auto& partition : partitions) drop(partition);
  assignment_.release_pauses(partitions);
  if (how == Revocation::kOrderly) teller_->flush(last_tell_deadline());
  for (const auto& partition : partitions) teller_->forget(partition);
  assignment_.answer_revoked(partitions);
}

void KafkaSource::announce_revoked(const std::vector<TopicPartition>& partitions, Revocation how) {
  if (partitions.empty()) return;
  try {
    listener_->on_revoked(partitions, how);
  } catch (...) {
    failure_ = std::current_exception();
  }
}

}  // namespace kinbox::kafka
