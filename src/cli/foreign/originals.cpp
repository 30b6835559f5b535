#include "cli/foreign/originals.hpp"

#include <utility>

namespace kinbox::cli {
namespace {

void make_whole(foreign::ForeignLetter& letter, const Record& original) {
  const auto copy = original.copy();
  letter.record.timestamp = copy.timestamp;
  letter.record.key = copy.key;
  letter.record.value = copy.value;
  letter.record.headers = copy.headers;
  letter.partial = false;
}

}  // namespace

Originals::Wanted Originals::wanted(std::vector<foreign::ForeignLetter>& letters) const {
  Wanted wanted;
  for (auto& letter : letters) {
    if (!letter.partial || !letter.origin.complete()) continue;
    const TopicPartition partition{*letter.origin.topic, *letter.origin.partition};
    const auto topic = topics_.find(partition.topic);
    if (topic == topics_.end() || partition.partition >= topic->second) continue;
    wanted[partition][*letter.origin.offset].push_back(&letter);
  }
  return wanted;
}

void Originals::complete(std::vector<foreign::ForeignLetter>& letters) {
  auto left = wanted(letters);
  if (left.empty()) return;
  kafka::LogReader reader(settings_);
  std::vector<TopicPartition> partitions;
  for (const auto& [partition, offsets] : left) partitions.push_back(partition);
  for (const auto& [partition, log] : reader.ranges(partitions)) {
    auto& offsets = left[partition];
    std::erase_if(offsets, [&range = log](const auto& entry) {
      return entry.first < range.start || entry.first >= range.end;
    });
    if (offsets.empty()) left.erase(partition);
  }
  while (!left.empty()) read_a_round(reader, left);
}

void Originals::read_a_round(kafka::LogReader& reader, Wanted& wanted) {
  // One record of each partition: what lies between two of them may be a lot.
  std::vector<kafka::LogSlice> slices;
  for (const auto& [partition, offsets] : wanted) {
    const auto offset = offsets.begin()->first;
    slices.push_back({partition, offset, offset + 1});
  }
  reader.start(slices);
  for (auto some = reader.next(slices.size()); !some.empty(); some = reader.next(slices.size()))
    for (const auto& record : some)
      for (auto* letter : wanted[record.topic_partition()][record.offset()])
        make_whole(*letter, record);
  for (const auto& slice : slices) {
    auto& offsets = wanted[slice.partition];
    offsets.erase(slice.begin);
    if (offsets.empty()) wanted.erase(slice.partition);
  }
}

}  // namespace kinbox::cli
