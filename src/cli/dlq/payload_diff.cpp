#include "cli/dlq/payload_diff.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "cli/output/pretty_json.hpp"
#include "kinbox/observe/printable.hpp"

namespace kinbox::cli {
namespace {

constexpr std::size_t kContext = 3;
/// Beyond it, comparing each line with each would take too long.
constexpr std::size_t kMaxComparisons = 4'000'000;

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  for (;;) {
    const auto end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return lines;
    text.remove_prefix(end + 1);
  }
}

using Lines = std::vector<std::string>;

struct Edit {
  char mark;
  const std::string* line;
};

/// The longest common subsequence of two stretches decides what was kept.
void compare(const Lines& before, std::size_t first, std::size_t before_end, const Lines& after,
             std::size_t after_end, std::vector<Edit>& edits) {
  const auto rows = before_end - first;
  const auto columns = after_end - first;
  std::vector<std::uint32_t> common;
  const auto at = [&](std::size_t row, std::size_t column) -> std::uint32_t& {
    return common[row * (columns + 1) + column];
  };
  const bool comparable = rows == 0 || columns <= kMaxComparisons / rows;
  if (comparable) common.resize((rows + 1) * (columns + 1));
  for (auto row = comparable ? rows : 0; row-- > 0;)
    for (auto column = columns; column-- > 0;)
      at(row, column) = before[first + row] == after[first + column]
                            ? at(row + 1, column + 1) + 1
                            : std::max(at(row + 1, column), at(row, column + 1));
  std::size_t row = 0;
  std::size_t column = 0;
  while (row < rows || column < columns) {
    const bool both = row < rows && column < columns;
    if (comparable && both && before[first + row] == after[first + column]) {
      edits.push_back({' ', &before[first + row]});
      ++row;
      ++column;
    } else if (row < rows && (!both || !comparable || at(row + 1, column) >= at(row, column + 1))) {
      edits.push_back({'-', &before[first + row++]});
    } else {
      edits.push_back({'+', &after[first + column++]});
    }
  }
}

std::vector<Edit> edits_between(const Lines& before, const Lines& after) {
  const auto shorter = std::min(before.size(), after.size());
  std::size_t head = 0;
  while (head < shorter && before[head] == after[head]) ++head;
  std::size_t tail = 0;
  while (tail < shorter - head &&
         before[before.size() - 1 - tail] == after[after.size() - 1 - tail])
    ++tail;
  std::vector<Edit> edits;
  for (std::size_t i = 0; i < head; ++i) edits.push_back({' ', &before[i]});
  compare(before, head, before.size() - tail, after, after.size() - tail, edits);
  for (std::size_t i = before.size() - tail; i < before.size(); ++i)
    edits.push_back({' ', &before[i]});
  return edits;
}

bool near_a_change(const std::vector<Edit>& edits, std::size_t i) {
  const auto begin = i < kContext ? 0 : i - kContext;
  const auto end = std::min(edits.size(), i + kContext + 1);
  for (auto at = begin; at < end; ++at)
    if (edits[at].mark != ' ') return true;
  return false;
}

std::string text_of(const std::vector<Edit>& edits) {
  std::string text;
  bool left_out = false;
  for (std::size_t i = 0; i < edits.size(); ++i) {
    if (!near_a_change(edits, i)) {
      left_out = true;
      continue;
    }
    if (left_out && !text.empty()) text += "...\n";
    left_out = false;
    text += edits[i].mark + observe::printable(*edits[i].line) + '\n';
  }
  return text;
}

}  // namespace

std::string payload_diff(const std::string& before, const std::string& after) {
  if (before == after) return {};
  const auto old_json = pretty_json(before);
  const auto new_json = pretty_json(after);
  // Where only white space differs, the texts themselves say it.
  if (old_json && new_json && *old_json != *new_json) {
    const auto old_lines = lines_of(*old_json);
    const auto new_lines = lines_of(*new_json);
    return text_of(edits_between(old_lines, new_lines));
  }
  const auto old_lines = lines_of(before);
  const auto new_lines = lines_of(after);
  return text_of(edits_between(old_lines, new_lines));
}

}  // namespace kinbox::cli
