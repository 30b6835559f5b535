#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/foreign/foreign_letter.hpp"
#include "kinbox/kafka/log_reader.hpp"

namespace kinbox::cli {

/// Looks records up where they were consumed, for the DLQs that keep only a part of them.
class Originals {
 public:
  /// `topics` are the cluster's, with their numbers of partitions.
  Originals(const kafka::Settings& settings, std::map<std::string, int> topics)
      : settings_(settings), topics_(std::move(topics)) {}

  /// Makes the letters whole that are `partial` and whose record is still there; the others stay.
  void complete(std::vector<foreign::ForeignLetter>& letters);

 private:
  using Wanted = std::map<TopicPartition, std::map<Offset, std::vector<foreign::ForeignLetter*>>>;

  Wanted wanted(std::vector<foreign::ForeignLetter>& letters) const;
  /// Reads the first wanted record of each partition, and takes it off `wanted`.
  static void read_a_round(kafka::LogReader& reader, Wanted& wanted);

  kafka::Settings settings_;
  std::map<std::string, int> topics_;
};

}  // namespace kinbox::cli
