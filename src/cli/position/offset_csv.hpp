#pragma once

#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "kinbox/record.hpp"

namespace kinbox::cli {

/// One line of the files that kafka-consumer-groups.sh writes with --export and reads with
/// --from-file: "topic,partition,offset" of one group, "group,topic,partition,offset" of several.
struct OffsetLine {
  std::optional<std::string> group;
  TopicPartition partition;
  Offset offset = 0;

  bool operator==(const OffsetLine&) const = default;
};

/// Reads such a file's text; `name` is its name, for errors. As Kafka's command takes them: without
/// a heading, fields quoted or not; also with CRLF and empty lines. Throws UsageError, with the
/// number of the line, for one that is none, for a partition that is named twice, and when some
/// lines name a group and others do not.
std::vector<OffsetLine> parse_offset_csv(const std::string& name, std::string_view text);

/// The same from a file. Throws UsageError if it cannot be read.
std::vector<OffsetLine> read_offset_csv(const std::string& file);

/// The offsets of `group`: all, if the lines name no groups.
std::map<TopicPartition, Offset> offsets_of(const std::vector<OffsetLine>& lines,
                                            const std::string& group);

/// Writes lines that Kafka's command reads.
void write_offset_csv(std::ostream& out, const std::vector<OffsetLine>& lines);

}  // namespace kinbox::cli
