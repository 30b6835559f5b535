#include "kinbox/testing/scripted_publisher.hpp"

#include <algorithm>

namespace kinbox::testing {

void ScriptedPublisher::publish(std::uint64_t ticket, const OwnedRecord& record) {
  published.push_back({ticket, record});
  under_way_.push_back(published.back());
  const auto same_key = std::count_if(under_way_.begin(), under_way_.end(), [&](const auto& other) {
    return other.record.topic == record.topic && other.record.key == record.key;
  });
  most_under_way_per_key = std::max(most_under_way_per_key, static_cast<std::size_t>(same_key));
}

std::vector<Delivery> ScriptedPublisher::wait(std::chrono::milliseconds) {
  std::vector<Delivery> deliveries(late.begin(), late.end());
  late.clear();
  for (const auto& entry : under_way_)
    if (auto delivery = answer(entry)) deliveries.push_back(std::move(*delivery));
  under_way_.clear();
  return deliveries;
}

}  // namespace kinbox::testing
