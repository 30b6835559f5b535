#include "core/foreign/adoption.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/coordinates_text.hpp"
#include "core/storable_text.hpp"
#include "kinbox/reason.hpp"

namespace kinbox::foreign {
namespace {

constexpr std::size_t kMaxName = 512;

bool contains(const std::vector<std::string>& all, const std::string& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

/// Error, place and what is not told, a line each. `dlq` is where the record is now.
std::string error_text(const ForeignLetter& letter, const std::string& dlq) {
  auto text = letter.error_text;
  const auto append = [&](const std::string& line) {
    if (line.empty()) return;
    if (!text.empty()) text += '\n';
    text += line;
  };
  append(letter.thrown_at);
  for (const auto& damage : letter.damaged) append("(" + damage + ")");
  if (!letter.origin.complete())
    append("(where it was consumed is not told; its offset is that in " + dlq + ")");
  return text;
}

Failure failure_of(const ForeignLetter& letter, const std::string& dlq) {
  Failure failure;
  failure.reason = letter.reason.empty() ? std::string(reason::kImported) : letter.reason;
  failure.handler = letter.handler;
  failure.error_type = letter.error_type;
  failure.error_text = error_text(letter, dlq);
  constexpr std::int64_t kMost = std::numeric_limits<int>::max();
  failure.attempts =
      static_cast<int>(std::clamp(letter.attempts.value_or(0), std::int64_t{0}, kMost));
  failure.first_failed_at = letter.first_failed_at;
  return failure;
}

}  // namespace

std::optional<std::string> Adoption::topic_of(const ForeignLetter& letter) const {
  if (letter.origin.topic) return letter.origin.topic;
  if (rules_.origin) return rules_.origin;
  if (rules_.topics.size() == 1) return rules_.topics.front();
  return std::nullopt;
}

std::optional<LeftOut> Adoption::look_at(const ForeignLetter& letter) const {
  using Why = LeftOut::Why;
  const auto topic = topic_of(letter);
  if (!topic)
    return LeftOut{Why::kUnclear,
                   "does not say which topic it came from; --origin TOPIC says it for all such"};
  if (!contains(rules_.topics, *topic))
    return LeftOut{Why::kOtherTopic, "came from topic " + *topic};
  if (rules_.group && letter.group != *rules_.group)
    return LeftOut{Why::kOtherGroup, "failed in group \"" + letter.group + '"'};
  if (letter.partial && !letter.record.key && !letter.record.value)
    return LeftOut{Why::kUnclear,
                   "has no copy of its record, which is gone from where it came from"};
  return std::nullopt;
}

void Adoption::settle(ForeignLetter& letter, ImportedLetter& adopted) const {
  auto& record = letter.record;
  const auto topic = rules_.look_up(*topic_of(letter));
  const auto dlq = partition_text(record);
  record.topic = *topic_of(letter);
  if (letter.origin.complete()) {
    adopted.topic_id = topic.id;
    record.partition = *letter.origin.partition;
    record.offset = *letter.origin.offset;
    return;
  }
  adopted.topic_id = "dlq:" + dlq;
  if (letter.origin.partition)
    record.partition = *letter.origin.partition;
  else if (topic.partitions > 0)
    record.partition %= topic.partitions;
}

std::optional<LeftOut> Adoption::identify(const ForeignLetter& letter,
                                          ImportedLetter& adopted) const {
  const Record record(letter.record);
  const auto decoded = rules_.decoder.decode(record);
  if (const auto* undecided = std::get_if<Undecided>(&decoded))
    return LeftOut{LeftOut::Why::kUnclear, undecided->detail};
  // Poison has no id, and is a letter all the same.
  const auto* event = std::get_if<Event>(&decoded);
  if (event == nullptr) return std::nullopt;
  const auto coordinates = letter.record.topic + '/' + std::to_string(letter.record.partition) +
                           '/' + std::to_string(letter.record.offset);
  if (!letter.origin.complete() && event->id() == coordinates)
    return LeftOut{LeftOut::Why::kUnclear,
                   "would have its coordinates as its id, and does not say them"};
  adopted.event_id = event->id();
  adopted.event_type = storable_text(event->type(), kMaxName);
  return std::nullopt;
}

std::variant<ImportedLetter, LeftOut> Adoption::adopt(ForeignLetter letter) const {
  if (auto left_out = look_at(letter)) return *std::move(left_out);
  ImportedLetter adopted;
  adopted.failure = failure_of(letter, partition_text(letter.record));
  settle(letter, adopted);
  if (auto left_out = identify(letter, adopted)) return *std::move(left_out);
  adopted.dead_at = letter.dead_at;
  adopted.record = std::move(letter.record);
  return adopted;
}

}  // namespace kinbox::foreign
