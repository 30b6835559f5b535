#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "core/replay/replay_plan.hpp"
#include "kinbox/kafka/log_reader.hpp"

namespace kinbox::cli {

/// Reads what lies in the plan, and hands it to `take` in portions.
template <typename Take>
void read_range(kafka::LogReader& reader, const ReplayPlan& plan, Take take) {
  constexpr std::size_t kPortion = 2'000;
  std::vector<kafka::LogSlice> slices;
  for (const auto& partition : plan.partitions)
    slices.push_back({partition.slice.partition, partition.slice.begin, partition.slice.end});
  reader.start(slices);
  for (auto records = reader.next(kPortion); !records.empty(); records = reader.next(kPortion))
    take(std::move(records));
}

}  // namespace kinbox::cli
