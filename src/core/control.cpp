#include "core/control.hpp"

#include <set>
#include <utility>

namespace kinbox {
namespace {

constexpr std::string_view kLock =
    "UPDATE {kinbox}.consumer_progress SET control_version = control_version + 1 "
    "WHERE consumer = $1 AND topic = $2 AND partition = $3";

constexpr std::string_view kAnnounce =
    "UPDATE {kinbox}.consumers SET control_version = control_version + 1 WHERE name = $1";

}  // namespace

Control::Control(std::string consumer, const Dialect& dialect)
    : consumer_(std::move(consumer)),
      lock_(dialect.render(kLock)),
      announce_(dialect.render(kAnnounce)) {}

void Control::lock(OpenTransaction& tx, std::span<const TopicPartition> partitions) const {
  // The order in which batches take them.
  const std::set<TopicPartition> ordered(partitions.begin(), partitions.end());
  for (const auto& partition : ordered)
    tx.execute(lock_, consumer_, partition.topic, partition.partition);
}

void Control::announce(OpenTransaction& tx) const { tx.execute(announce_, consumer_); }

}  // namespace kinbox
