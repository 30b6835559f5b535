#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kinbox/record.hpp"

namespace kinbox::foreign {

/// Whose headers a record of a DLQ topic has.
enum class Format {
  kKinbox,
  /// Kafka's share groups, since KIP-1191.
  kShareGroup,
  kSpring,
  kConnect,
  kStreams,
  kKarafka,
  kMassTransit,
  /// None that is known: the record is what it is.
  kUnknown,
};

std::string_view to_text(Format format);

/// Where the failed record was consumed, as far as the DLQ's record says.
struct Origin {
  std::optional<std::string> topic;
  std::optional<std::int32_t> partition;
  std::optional<Offset> offset;

  bool complete() const noexcept { return topic && partition && offset; }
};

/// What a record of a DLQ topic tells: the record that failed, and how.
struct ForeignLetter {
  Format format = Format::kUnknown;
  Origin origin;
  /// The consumer group, the connector or the application that gave up; empty if not told.
  std::string group;
  /// kinbox's own reason and handler; empty in other formats.
  std::string reason;
  std::string handler;
  std::string error_type;
  std::string error_text;
  /// Where the error was thrown: the first line of a stack trace that names a place.
  std::string thrown_at;
  std::optional<std::int64_t> attempts;
  std::optional<Timestamp> first_failed_at;
  std::optional<Timestamp> dead_at;
  /// The DLQ has not all of the record: its headers or its key are missing, or everything is. It is
  /// whole where it came from, as long as it is kept there.
  bool partial = false;
  /// Headers of the format that are there and cannot be read, each with the reason. They count as
  /// absent.
  std::vector<std::string> damaged;
  /// The record that failed: key and value, its own headers without those of the format, its own
  /// timestamp if that is known. Its coordinates are those of the DLQ's record.
  OwnedRecord record;
};

/// Reads a record of a DLQ topic in whatever format it has. Where a record died twice it has the
/// headers of several: those that were added last count, the others belong to what failed. Never
/// throws on account of what the headers hold.
ForeignLetter read_letter(const Record& record);

/// The format by its headers alone.
Format format_of(const Record& record);

}  // namespace kinbox::foreign
