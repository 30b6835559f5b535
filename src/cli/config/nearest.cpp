#include "cli/config/nearest.hpp"

#include <algorithm>
#include <vector>

namespace kinbox::cli {
namespace {

std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i)
    for (std::size_t j = 1; j <= b.size(); ++j) {
      d[i][j] = std::min(
          {d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  return d[a.size()][b.size()];
}

}  // namespace

std::optional<std::string> nearest(std::string_view word, std::span<const std::string> names) {
  const auto closest = std::min_element(names.begin(), names.end(), [&](auto& a, auto& b) {
    return distance(word, a) < distance(word, b);
  });
  if (closest == names.end()) return std::nullopt;
  const auto few = std::max<std::size_t>(1, std::min(word.size(), closest->size()) / 3);
  return distance(word, *closest) <= few ? std::optional(*closest) : std::nullopt;
}

std::string suggestion(std::string_view word, std::span<const std::string> names) {
  if (const auto name = nearest(word, names)) return "; did you mean \"" + *name + "\"?";
  if (names.empty()) return "";
  std::vector<std::string> sorted(names.begin(), names.end());
  std::sort(sorted.begin(), sorted.end());
  std::string list;
  for (const auto& name : sorted) list += (list.empty() ? "" : ", ") + name;
  return "; there are: " + list;
}

}  // namespace kinbox::cli
