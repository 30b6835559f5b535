#include "cli/position/topic_choice.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <system_error>

#include "cli/config/nearest.hpp"
#include "cli/usage_error.hpp"

namespace kinbox::cli {

void add_topic_choice(CLI::App& command, std::vector<std::string>& words) {
  command
      .add_option("--topic", words,
                  "Only this topic, or some of its partitions (orders:0,1); may be repeated")
      ->type_name("TOPIC[:P,...]")
      ->allow_extra_args(false);
}

TopicChoice topic_choice(const std::string& word) {
  const auto refuse = [&] {
    return UsageError("--topic: \"" + word +
                      "\" should be a topic, or a topic and some of its partitions: orders:0,1");
  };
  const auto colon = word.find(':');
  TopicChoice choice{word.substr(0, colon)};
  if (choice.topic.empty()) throw refuse();
  if (colon == std::string::npos) return choice;
  const auto* next = word.data() + colon + 1;
  const auto* const end = word.data() + word.size();
  for (;; ++next) {
    std::int32_t number = 0;
    const auto [rest, error] = std::from_chars(next, end, number);
    if (error != std::errc{} || number < 0) throw refuse();
    choice.partitions.insert(number);
    if (rest == end) return choice;
    if (*rest != ',') throw refuse();
    next = rest;
  }
}

bool chosen(std::span<const TopicChoice> choices, const TopicPartition& partition) {
  return choices.empty() || std::any_of(choices.begin(), choices.end(), [&](const auto& choice) {
           return choice.topic == partition.topic &&
                  (choice.partitions.empty() || choice.partitions.contains(partition.partition));
         });
}

std::vector<TopicPartition> chosen_partitions(std::span<const TopicChoice> choices,
                                              std::span<const std::string> topics,
                                              const std::map<std::string, int>& counts) {
  for (const auto& choice : choices) {
    if (std::count(topics.begin(), topics.end(), choice.topic) == 0)
      throw UsageError("--topic: the consumer does not read topic \"" + choice.topic + '"' +
                       suggestion(choice.topic, topics));
    const auto count = counts.find(choice.topic);
    if (count == counts.end())
      throw UsageError("--topic: there is no topic \"" + choice.topic +
                       "\" that this user may see");
    if (!choice.partitions.empty() && *choice.partitions.rbegin() >= count->second)
      throw UsageError("--topic: topic " + choice.topic + " has partitions 0 to " +
                       std::to_string(count->second - 1) + ", and no " +
                       std::to_string(*choice.partitions.rbegin()));
  }
  std::set<TopicPartition> partitions;
  for (const auto& topic : topics) {
    const auto count = counts.find(topic);
    if (count == counts.end()) continue;
    for (std::int32_t number = 0; number < count->second; ++number)
      if (TopicPartition partition{topic, number}; chosen(choices, partition))
        partitions.insert(std::move(partition));
  }
  return {partitions.begin(), partitions.end()};
}

}  // namespace kinbox::cli
