#include "core/coordinates_text.hpp"
#include "kafka/kafka_source.hpp"
#include "kafka/log_queries.hpp"

namespace kinbox::kafka {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kWarning = 4;

std::string sentence(const TopicPartition& partition, const Owned& owned, Offset end,
                     Stall::Step step) {
  const auto from = std::to_string(owned.next);
  auto text = partition_text(partition) +
              " delivers nothing, although its log goes on from offset " + from + " to " +
              std::to_string(end) + ": ";
  if (step == Stall::Step::kSeek) return text + "fetching it again from there";
  return text + "fetching it again did not help; taking it out of the client's assignment and back";
}

// librdkafka asks a broker that does not know the protocol for ever, and says nothing.
constexpr const char* kNothingAssigned =
    "no partition was assigned to this member yet: either the group's other members have them all, "
    "or the brokers do not know group.protocol: consumer (KIP-848, Kafka 4.0 and later), for which "
    "librdkafka has no word; then use group.protocol: classic";

}  // namespace

void KafkaSource::watch_for_assignment() {
  if (!assigned_by_ || Clock::now() < *assigned_by_) return;
  assigned_by_.reset();
  voice_.say(kWarning, kNothingAssigned);
}

void KafkaSource::watch() {
  if (options_.stalled_after.count() <= 0 || empty_at_ < next_look_) return;
  const auto fetched = assignment_.fetched();
  if (fetched.empty()) return;
  if (next_look_ == Clock::time_point{}) {  // the first ones: they have only just been started
    next_look_ = Clock::now() + options_.stalled_after;
    return;
  }
  const auto ends = readable_ends(rk_, fetched, options_.ask_timeout);
  const auto now = Clock::now();
  next_look_ = now + options_.stalled_after;
  for (std::size_t i = 0; i < fetched.size(); ++i) {
    auto& owned = *assignment_.find(fetched[i]);
    const auto step = owned.stall.look(
        {.position = owned.reached, .end = ends[i], .end_known_at = now, .empty_at = empty_at_},
        options_.stalled_after);
    if (step == Stall::Step::kNone) continue;
    voice_.say(kWarning, sentence(fetched[i], owned, *ends[i], step));
    if (step == Stall::Step::kSeek)
      assignment_.seek(fetched[i], owned);
    else
      assignment_.reassign(fetched[i], owned);
  }
}

}  // namespace kinbox::kafka
