#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "kinbox/record.hpp"

namespace kinbox::testing {

/// How a batch of records is compressed, as the log's format numbers it.
enum class Codec { kNone, kGzip, kSnappy, kLz4, kZstd };

/// What the broker of scripts/services has of a partition on its disk: the first segment.
class TopicFile {
 public:
  explicit TopicFile(const TopicPartition& partition);

  /// Of each batch, in order.
  std::vector<Codec> codecs() const;
  /// Inverts a byte of a record's value in the given batch; once more, and it is whole again.
  void damage(std::size_t batch);

 private:
  /// Where the batches end.
  std::vector<std::size_t> ends() const;

  std::filesystem::path path_;
};

}  // namespace kinbox::testing
