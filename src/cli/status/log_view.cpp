#include "cli/status/log_view.hpp"

#include <array>
#include <vector>

#include "kinbox/errors.hpp"

namespace kinbox::cli {
namespace {

void note(LogStates& states, const Error& error) {
  if (states.missing.empty()) states.missing = error.what();
}

}  // namespace

LogView::LogView(const kafka::Settings& settings, std::chrono::milliseconds patience)
    : reader_(settings, patience), patience_(patience) {}

LogStates LogView::look(const std::set<ReadingPlace>& places) {
  LogStates states;
  const auto deadline = Clock::now() + patience_;
  ask_ends(places, states);
  read_next(places, deadline, states);
  return states;
}

/// Topic by topic: one that is gone says nothing about the others. If nobody answers for one,
/// nobody is asked for the next.
void LogView::ask_ends(const std::set<ReadingPlace>& places, LogStates& states) {
  std::map<std::string, std::set<TopicPartition>> topics;
  for (const auto& [partition, position] : places) topics[partition.topic].insert(partition);
  for (const auto& [topic, wanted] : topics) {
    const std::vector<TopicPartition> partitions(wanted.begin(), wanted.end());
    try {
      for (const auto& [partition, range] : reader_.ranges(partitions))
        states.ends[partition] = range.end;
    } catch (const InfrastructureError& e) {
      return note(states, e);
    } catch (const ConfigurationError& e) {
      note(states, e);
    }
  }
}

void LogView::read_next(const std::set<ReadingPlace>& places, Clock::time_point deadline,
                        LogStates& states) {
  for (const auto& place : places) {
    const auto& [partition, position] = place;
    const auto end = states.ends.find(partition);
    if (end == states.ends.end() || end->second <= position) continue;
    if (Clock::now() >= deadline) {
      if (states.missing.empty()) states.missing = "no time left to read the next records";
      return;
    }
    try {
      const std::array slice{kafka::LogSlice{partition, position, end->second}};
      reader_.start(slice);
      const auto records = reader_.next(1);
      if (!records.empty() && records.front().timestamp())
        states.next_records.emplace(place, *records.front().timestamp());
    } catch (const Error& e) {
      note(states, e);
    }
  }
}

}  // namespace kinbox::cli
