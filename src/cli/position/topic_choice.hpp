#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "kinbox/record.hpp"

namespace CLI {
class App;
}

namespace kinbox::cli {

/// Which of a consumer's partitions a command is about, as `--topic orders` or `--topic orders:0,1`
/// say it.
struct TopicChoice {
  std::string topic;
  /// Empty: all of them.
  std::set<std::int32_t> partitions = {};

  bool operator==(const TopicChoice&) const = default;
};

/// Declares `--topic`, which may be repeated.
void add_topic_choice(CLI::App& command, std::vector<std::string>& words);

/// "orders:0,1". Throws UsageError.
TopicChoice topic_choice(const std::string& word);

/// Whether one of `choices`, or the lack of any, takes `partition` in.
bool chosen(std::span<const TopicChoice> choices, const TopicPartition& partition);

/// The partitions of the consumer's `topics` that are chosen. `counts`: how many partitions the
/// topics of the cluster have. A topic of the consumer that is not there has none. Throws
/// UsageError for a topic that the consumer does not read, and for a topic or partition that is not
/// there but named.
std::vector<TopicPartition> chosen_partitions(std::span<const TopicChoice> choices,
                                              std::span<const std::string> topics,
                                              const std::map<std::string, int>& counts);

}  // namespace kinbox::cli
