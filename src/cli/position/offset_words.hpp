#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "kinbox/kafka/log_reader.hpp"
#include "kinbox/source.hpp"

namespace CLI {
class App;
}

// Where in its logs a consumer is to begin or to end, in the words of kafka-consumer-groups.sh.
namespace kinbox::cli {

namespace place {
struct Earliest {};
struct Latest {};
struct At {
  Offset offset = 0;
};
/// The first record at or after it.
struct Since {
  Timestamp time;
};
/// So many offsets behind the consumer's position, in front of it if negative.
struct Shifted {
  std::int64_t by = 0;
};
/// As a file has them, partition by partition.
struct Listed {
  std::map<TopicPartition, Offset> offsets;
};
/// Where the group's offsets are in Kafka.
struct Committed {};
}  // namespace place

using Place = std::variant<place::Earliest, place::Latest, place::At, place::Since, place::Shifted,
                           place::Listed, place::Committed>;

/// The words as they were typed. At most one of them makes sense.
struct OffsetWords {
  bool earliest = false;
  bool latest = false;
  bool committed = false;
  std::optional<Offset> offset = {};
  std::string datetime = {};
  std::string duration = {};
  std::optional<std::int64_t> shift = {};
  std::string file = {};
};

/// Declares `--to-earliest`, `--to-latest`, `--to-offset`, `--to-datetime`, `--by-duration`,
/// `--shift-by`, `--from-file`.
void add_begin_words(CLI::App& command, OffsetWords& words);
/// Declares `--to-committed`, which only makes sense for a position.
void add_committed_word(CLI::App& command, OffsetWords& words);
/// Declares `--until-latest`, `--until-offset`, `--until-datetime`.
void add_end_words(CLI::App& command, OffsetWords& words);

/// What the words mean; nullopt if there are none. `group`: whose lines of a file count, if they
/// name groups. Throws UsageError for two of them, and for what makes no sense.
std::optional<Place> begin_place(const OffsetWords& words, const std::string& group, Timestamp now);
std::optional<Place> end_place(const OffsetWords& words);

/// What places are resolved against.
struct LogFacts {
  std::map<TopicPartition, LogRange> ranges;
  /// The first records at or after the time of place::Since; the logs' ends where there is none.
  std::map<TopicPartition, Offset> since = {};
};

/// Asks as much as `place` needs.
LogFacts ask_log(kafka::LogReader& reader, std::span<const TopicPartition> partitions,
                 const Place& place);

/// What the database and the group know, for the places that need it.
struct KnownOffsets {
  std::map<TopicPartition, Offset> positions;
  std::map<TopicPartition, Offset> committed = {};
};

/// Where `place` is in each of the partitions of `facts`: in those only that have a position for
/// place::Shifted, are in the file for place::Listed, or have a committed offset for
/// place::Committed. As asked for: it may lie outside of the log (see `within`), but never below 0.
/// Throws UsageError when a file names a partition that `facts` does not have.
std::map<TopicPartition, Offset> resolve(const Place& place, const LogFacts& facts,
                                         const KnownOffsets& known);

/// `offset`, or the nearest one that is in the log or at its end, as Kafka's own command does it.
Offset within(const LogRange& log, Offset offset);

/// The pieces between `begins` and `ends`, of the partitions that have both, without those that are
/// empty. Throws UsageError, saying which ends before it begins, when all are.
std::vector<kafka::LogSlice> slices_between(const std::map<TopicPartition, Offset>& begins,
                                            const std::map<TopicPartition, Offset>& ends);

}  // namespace kinbox::cli
