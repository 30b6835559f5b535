#include "support/committed_offsets.hpp"

#include <map>

#include "kinbox/errors.hpp"
#include "kinbox/kafka/source.hpp"

namespace kinbox::testing {

CommittedOffsets::CommittedOffsets(const std::string& brokers, const std::string& group,
                                   const std::string& topic, int partitions)
    : thread_([=, this] { watch(brokers, group, topic, partitions); }) {}

CommittedOffsets::~CommittedOffsets() { steps_back(); }

std::string CommittedOffsets::steps_back() {
  over_ = true;
  if (thread_.joinable()) thread_.join();
  return steps_back_;
}

void CommittedOffsets::watch(const std::string& brokers, const std::string& group,
                             const std::string& topic, int partitions) {
  Observer silent;
  // Not a member: it only asks.
  const auto source =
      kafka::make_source({.settings = kafka::Settings({{"bootstrap.servers", brokers}}),
                          .group = group,
                          .topics = {topic}},
                         silent);
  std::map<TopicPartition, Offset> last;
  while (!over_) {
    for (int number = 0; number < partitions && !over_; ++number) {
      const TopicPartition partition{topic, number};
      std::optional<Offset> told;
      try {
        told = source->told(partition);
      } catch (const InfrastructureError&) {
        continue;  // the coordinator has other things to do
      }
      const auto before = last.find(partition);
      if (before != last.end() && told.value_or(-1) < before->second)
        steps_back_ += topic + '/' + std::to_string(number) + " from " +
                       std::to_string(before->second) + " to " +
                       (told ? std::to_string(*told) : "nothing") + '\n';
      if (!told || (before != last.end() && before->second == *told)) continue;
      last[partition] = *told;
      ++moves_;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{20});  // leaves the coordinator some time
  }
}

}  // namespace kinbox::testing
