#include "core/attempt_times.hpp"

#include <algorithm>

#include "core/iso_time.hpp"

namespace kinbox {
namespace {

std::vector<Timestamp> some_of(std::vector<Timestamp> times) {
  if (times.size() > kAttemptTimes)
    times.erase(times.begin() + 1, times.end() - static_cast<std::ptrdiff_t>(kAttemptTimes - 1));
  return times;
}

}  // namespace

std::vector<Timestamp> with_attempt(std::vector<Timestamp> times, Timestamp failed_at) {
  times.push_back(failed_at);
  return some_of(std::move(times));
}

std::string attempt_times_text(const std::vector<Timestamp>& times) {
  std::string text;
  for (const auto time : times) text += (text.empty() ? "" : " ") + iso_text(time);
  return text;
}

std::vector<Timestamp> attempt_times(std::string_view text) {
  std::vector<Timestamp> times;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    if (const auto time = parse_iso(text.substr(0, end))) times.push_back(*time);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return some_of(std::move(times));
}

}  // namespace kinbox
