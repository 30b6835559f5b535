#include "cli/position/offset_words.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <utility>

#include "cli/position/offset_csv.hpp"
#include "cli/position/time_words.hpp"
#include "cli/usage_error.hpp"
#include "core/coordinates_text.hpp"

namespace kinbox::cli {
namespace {

Offset checked(const std::string& option, Offset offset) {
  if (offset < 0) throw UsageError(option + ": an offset is 0 or more");
  return offset;
}

/// The only one of the words that were said.
class OnlyPlace {
 public:
  void say(const std::string& option, Place place) {
    if (place_) throw UsageError(option_ + " and " + option + ": say one of them");
    option_ = option;
    place_ = std::move(place);
  }
  std::optional<Place> take() { return std::move(place_); }

 private:
  std::string option_;
  std::optional<Place> place_;
};

template <typename Offsets>
std::map<TopicPartition, Offset> shared(const LogFacts& facts, const Offsets& offset_of) {
  std::map<TopicPartition, Offset> places;
  for (const auto& [partition, log] : facts.ranges)
    if (const std::optional<Offset> offset = offset_of(partition, log)) places[partition] = *offset;
  return places;
}

std::optional<Offset> found(const std::map<TopicPartition, Offset>& offsets,
                            const TopicPartition& partition) {
  const auto offset = offsets.find(partition);
  return offset == offsets.end() ? std::nullopt : std::optional(offset->second);
}

struct Resolve {
  const LogFacts& facts;
  const KnownOffsets& known;

  using Places = std::map<TopicPartition, Offset>;

  Places operator()(const place::Earliest&) const {
    return shared(facts, [](const auto&, const auto& log) { return log.start; });
  }
  Places operator()(const place::Latest&) const {
    return shared(facts, [](const auto&, const auto& log) { return log.end; });
  }
  Places operator()(const place::At& at) const {
    return shared(facts, [&](const auto&, const auto&) { return at.offset; });
  }
  Places operator()(const place::Since&) const {
    return shared(
        facts, [&](const auto& partition, const auto&) { return found(facts.since, partition); });
  }
  Places operator()(const place::Shifted& shifted) const {
    return shared(facts, [&](const auto& partition, const auto&) {
      auto offset = found(known.positions, partition);
      if (offset && __builtin_add_overflow(*offset, shifted.by, &*offset))
        throw UsageError("--shift-by: " + std::to_string(shifted.by) + " is too far");
      if (offset) offset = std::max<Offset>(0, *offset);
      return offset;
    });
  }
  Places operator()(const place::Listed& listed) const {
    for (const auto& [partition, offset] : listed.offsets)
      if (!facts.ranges.contains(partition))
        throw UsageError("--from-file: the consumer has no partition " + partition_text(partition));
    return listed.offsets;
  }
  Places operator()(const place::Committed&) const {
    return shared(facts, [&](const auto& partition, const auto&) {
      return found(known.committed, partition);
    });
  }
};

}  // namespace

void add_begin_words(CLI::App& command, OffsetWords& words) {
  command.add_flag("--to-earliest", words.earliest, "The first record that is there");
  command.add_flag("--to-latest", words.latest, "The end of the log");
  command.add_option("--to-offset", words.offset, "This offset, in each of the partitions")
      ->type_name("N");
  command
      .add_option("--to-datetime", words.datetime,
                  "The first record at or after this time, which says its zone: "
                  "2026-01-31T12:00:00.000Z")
      ->type_name("TIME");
  command
      .add_option("--by-duration", words.duration,
                  "The first record that is not older: PnDTnHnMnS, or like 10m")
      ->type_name("DURATION");
  command
      .add_option("--shift-by", words.shift,
                  "So many offsets from the consumer's position, back if negative")
      ->type_name("N");
  command
      .add_option("--from-file", words.file,
                  "Lines of topic,partition,offset, as kafka-consumer-groups.sh writes and reads "
                  "them")
      ->type_name("FILE");
}

void add_committed_word(CLI::App& command, OffsetWords& words) {
  command.add_flag("--to-committed", words.committed,
                   "Where the group's offsets are in Kafka: adopts what was reset there");
}

void add_end_words(CLI::App& command, OffsetWords& words) {
  command.add_flag("--until-latest", words.latest, "Up to the end of the log");
  command.add_option("--until-offset", words.offset, "Up to this offset, and without it")
      ->type_name("N");
  command
      .add_option("--until-datetime", words.datetime,
                  "Up to the first record at or after this time, which says its zone")
      ->type_name("TIME");
}

std::optional<Place> begin_place(const OffsetWords& words, const std::string& group,
                                 Timestamp now) {
  OnlyPlace only;
  if (words.earliest) only.say("--to-earliest", place::Earliest{});
  if (words.latest) only.say("--to-latest", place::Latest{});
  if (words.committed) only.say("--to-committed", place::Committed{});
  if (words.offset) only.say("--to-offset", place::At{checked("--to-offset", *words.offset)});
  if (!words.datetime.empty())
    only.say("--to-datetime", place::Since{zoned_time("--to-datetime", words.datetime)});
  if (!words.duration.empty())
    only.say("--by-duration", place::Since{now - span_of_time("--by-duration", words.duration)});
  if (words.shift) only.say("--shift-by", place::Shifted{*words.shift});
  if (!words.file.empty()) {
    place::Listed listed{offsets_of(read_offset_csv(words.file), group)};
    if (listed.offsets.empty())
      throw UsageError("--from-file: " + words.file + " has no line for group " + group);
    only.say("--from-file", std::move(listed));
  }
  return only.take();
}

std::optional<Place> end_place(const OffsetWords& words) {
  OnlyPlace only;
  if (words.latest) only.say("--until-latest", place::Latest{});
  if (words.offset) only.say("--until-offset", place::At{checked("--until-offset", *words.offset)});
  if (!words.datetime.empty())
    only.say("--until-datetime", place::Since{zoned_time("--until-datetime", words.datetime)});
  return only.take();
}

LogFacts ask_log(kafka::LogReader& reader, std::span<const TopicPartition> partitions,
                 const Place& place) {
  LogFacts facts{reader.ranges(partitions)};
  if (const auto* const since = std::get_if<place::Since>(&place))
    facts.since = reader.offsets_at(partitions, since->time);
  return facts;
}

std::map<TopicPartition, Offset> resolve(const Place& place, const LogFacts& facts,
                                         const KnownOffsets& known) {
  return std::visit(Resolve{facts, known}, place);
}

Offset within(const LogRange& log, Offset offset) { return std::clamp(offset, log.start, log.end); }

std::vector<kafka::LogSlice> slices_between(const std::map<TopicPartition, Offset>& begins,
                                            const std::map<TopicPartition, Offset>& ends) {
  std::vector<kafka::LogSlice> slices;
  std::string where;
  bool backwards = false;
  for (const auto& [partition, begin] : begins) {
    const auto end = ends.find(partition);
    if (end == ends.end()) continue;
    if (begin < end->second) slices.push_back({partition, begin, end->second});
    backwards = backwards || begin > end->second;
    where += (where.empty() ? "" : "; ") + partition_text(partition) + " from " +
             std::to_string(begin) + " until " + std::to_string(end->second);
  }
  if (!slices.empty()) return slices;
  if (where.empty()) throw UsageError("the range is empty: it has no partition");
  throw UsageError((backwards ? "the range ends before it begins: " : "the range is empty: ") +
                   where);
}

}  // namespace kinbox::cli
