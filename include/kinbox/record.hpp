#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kinbox/bytes.hpp"

namespace kinbox {

/// Position in a partition's log. A record's successor is found at a *larger* offset, not always at
/// offset + 1: transaction markers and compaction leave gaps.
using Offset = std::int64_t;

/// Milliseconds since the Unix epoch, Kafka's record time.
using Timestamp = std::chrono::sys_time<std::chrono::milliseconds>;

struct TopicPartition {
  std::string topic;
  std::int32_t partition = 0;

  auto operator<=>(const TopicPartition&) const = default;  // NOLINT(modernize-use-nullptr)
};

/// A record header. Names may repeat; a null value is not an empty one.
struct Header {
  std::string_view name;
  std::optional<Bytes> value;
};

/// A record that owns its bytes: what is held, dead-lettered, scripted in a test.
struct OwnedRecord {
  struct OwnedHeader {
    std::string name;
    std::optional<std::string> value;

    bool operator==(const OwnedHeader&) const = default;
  };

  std::string topic;
  std::int32_t partition = 0;
  Offset offset = 0;
  /// Absent when the broker stored none (-1).
  std::optional<Timestamp> timestamp;
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<OwnedHeader> headers;

  bool operator==(const OwnedRecord&) const = default;
};

/// One record as it was polled: coordinates, and views into memory that the record keeps alive.
///
/// Views stay valid while the Record lives, also when it is moved. A record from Kafka pins the
/// whole fetch buffer it came in: what is kept beyond its batch is detached first.
///
/// Thread-compatible.
class Record {
 public:
  /// Frees what the views point to.
  using KeepAlive = std::unique_ptr<void, void (*)(void*)>;

  struct Parts {
    std::string_view topic;
    std::int32_t partition = 0;
    Offset offset = 0;
    std::optional<Timestamp> timestamp;
    std::optional<Bytes> key;
    std::optional<Bytes> value;
    std::vector<Header> headers;
  };

  /// `parts` point into what `keep_alive` frees.
  Record(Parts parts, KeepAlive keep_alive)
      : parts_(std::move(parts)), keep_alive_(std::move(keep_alive)) {}

  /// A record that lives by itself.
  explicit Record(OwnedRecord owned);

  std::string_view topic() const noexcept { return parts_.topic; }
  std::int32_t partition() const noexcept { return parts_.partition; }
  Offset offset() const noexcept { return parts_.offset; }
  std::optional<Timestamp> timestamp() const noexcept { return parts_.timestamp; }
  std::optional<Bytes> key() const noexcept { return parts_.key; }
  /// Null for a tombstone.
  std::optional<Bytes> value() const noexcept { return parts_.value; }
  /// In the producer's order, repeats included.
  const std::vector<Header>& headers() const noexcept { return parts_.headers; }
  /// The last header of that name (Kafka's `lastHeader` rule); null when there is none or its value
  /// is null. Names compare byte for byte.
  std::optional<Bytes> header(std::string_view name) const noexcept;

  TopicPartition topic_partition() const { return {std::string(parts_.topic), parts_.partition}; }
  /// Bytes of key, value and headers together: what a budget counts.
  std::size_t size() const noexcept;

  /// A copy that owns its bytes.
  OwnedRecord copy() const;
  /// The same record, no longer pinning the buffer it came in.
  Record detach() const { return Record(copy()); }

 private:
  Parts parts_;
  KeepAlive keep_alive_;
};

}  // namespace kinbox
