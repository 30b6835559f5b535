#include "cli/demo/send.hpp"

#include <string>

#include "kinbox/errors.hpp"

namespace kinbox::cli {
namespace {

using Clock = std::chrono::steady_clock;

void require_delivered(const Delivery& delivery, const std::string& topic) {
  if (delivery.outcome != Delivery::Outcome::kDelivered)
    throw InfrastructureError("Kafka did not take a record for " + topic + ": " + delivery.error);
}

}  // namespace

void send(Publisher& publisher, std::span<const OwnedRecord> records,
          std::chrono::milliseconds patience) {
  std::uint64_t ticket = 0;
  for (const auto& record : records) publisher.publish(++ticket, record);
  const auto deadline = Clock::now() + patience;
  for (auto missing = records.size(); missing > 0;) {
    if (Clock::now() >= deadline)
      throw InfrastructureError("Kafka did not acknowledge " + std::to_string(missing) + " of " +
                                std::to_string(records.size()) + " records for " +
                                records.front().topic);
    for (const auto& delivery : publisher.wait(std::chrono::milliseconds{200})) {
      require_delivered(delivery, records.front().topic);
      --missing;
    }
  }
}

}  // namespace kinbox::cli
