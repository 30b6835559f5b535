#include "observe/text.hpp"

#include <cstdio>

namespace kinbox::observe {
namespace {

constexpr std::size_t kLongestError = 300;

struct Count {
  const char* name;
  std::int64_t Tally::*member;
};
constexpr Count kCounts[] = {{"applied", &Tally::applied}, {"duplicates", &Tally::duplicates},
                             {"parked", &Tally::parked},   {"dead", &Tally::dead},
                             {"skipped", &Tally::skipped}, {"gaps", &Tally::gaps}};

// nlohmann's parse errors quote the payload: "...; last read: '{\"card\":4111'".
std::string without_excerpt(std::string text) {
  const auto at = text.find("last read: '");
  if (at != std::string::npos) text.erase(at).append("(input not shown)");
  return text;
}

// Not in the middle of a code point.
std::string shortened(std::string text) {
  if (text.size() <= kLongestError) return text;
  auto end = kLongestError;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.erase(end) + "...";
}

}  // namespace

std::string to_text(std::chrono::milliseconds duration) {
  const auto ms = static_cast<long>(duration.count());
  char text[40];
  if (ms < 1000)
    std::snprintf(text, sizeof text, "%ldms", ms);
  else if (ms < 60'000)
    std::snprintf(text, sizeof text, "%ld.%lds", ms / 1000, ms % 1000 / 100);
  else
    std::snprintf(text, sizeof text, "%ldm%02lds", ms / 60'000, ms % 60'000 / 1000);
  return text;
}

std::string to_text(const Tally& tally) {
  std::string text;
  for (const auto& [name, member] : kCounts)
    if (tally.*member != 0)
      text += (text.empty() ? "" : ", ") + std::to_string(tally.*member) + ' ' + name;
  return text.empty() ? "nothing" : text;
}

std::vector<std::pair<std::string, LogValue>> tally_fields(std::size_t records,
                                                           const Tally& tally) {
  std::vector<std::pair<std::string, LogValue>> fields;
  fields.emplace_back("records", static_cast<std::int64_t>(records));
  for (const auto& [name, member] : kCounts) fields.emplace_back(name, tally.*member);
  return fields;
}

std::string loggable_error(std::string_view text) {
  return shortened(without_excerpt(std::string(text.substr(0, text.find('\n')))));
}

}  // namespace kinbox::observe
