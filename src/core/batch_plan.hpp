#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "core/batch.hpp"
#include "kinbox/dispatcher.hpp"
#include "kinbox/event_decoder.hpp"

namespace kinbox {

/// Decides, before any transaction, what each record is to become: decodes it and finds its
/// handler.
class BatchPlan {
 public:
  struct Rules {
    const EventDecoder& decoder;
    const HandlerRegistry& handlers;
    Then poison = Then::kDeadLetter;
    UnknownTypes unknown_types = UnknownTypes::kDeadLetter;
    std::optional<std::chrono::milliseconds> older_than = std::nullopt;
  };

  /// A planned record; `halt` is set when its partition has to stop before it.
  struct Entry {
    BatchItem item;
    std::optional<std::string> halt;
  };

  explicit BatchPlan(Rules rules) : rules_(rules) {}

  /// In the order of `records`, without those of partitions that do not run, and without those that
  /// are decided already (below the position, or repeated within `records`).
  std::vector<Entry> make(std::span<const Record> records, OwnedPartitions& partitions) const;

  /// The same for a record that was set aside: it keeps the id it was set aside with, if it had
  /// one. What stops a partition or skips a record when it comes from Kafka does not here. `record`
  /// is that of `waiting`.
  Entry make_waiting(const Record& record, OwnedPartition& partition, WaitingRecord waiting) const;

 private:
  Entry plan(const Record& record, OwnedPartition& partition) const;
  void route(Entry& entry) const;
  void skip(Entry& entry, std::string_view reason, std::string detail) const;
  void refuse(Entry& entry, std::string_view reason, std::string detail) const;
  static void bury(Entry& entry, std::string_view reason, std::string detail);

  Rules rules_;
};

}  // namespace kinbox
