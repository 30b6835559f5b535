#include "cli/position/offset_csv.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <set>
#include <sstream>
#include <system_error>
#include <utility>

#include "cli/usage_error.hpp"
#include "core/coordinates_text.hpp"
#include "kinbox/observe/printable.hpp"

namespace kinbox::cli {
namespace {

/// Fields of a line; nullopt if a quote is not closed, or closed in the middle of a field.
std::optional<std::vector<std::string>> fields_of(std::string_view line) {
  std::vector<std::string> fields(1);
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == ',') {
      fields.emplace_back();
    } else if (line[i] == '"' && fields.back().empty()) {
      for (++i;; ++i) {
        if (i >= line.size()) return std::nullopt;
        if (line[i] != '"') {
          fields.back() += line[i];
        } else if (line.substr(i + 1).starts_with('"')) {
          fields.back() += line[i++];
        } else {
          break;
        }
      }
      if (i + 1 < line.size() && line[i + 1] != ',') return std::nullopt;
    } else {
      fields.back() += line[i];
    }
  }
  return fields;
}

template <typename Number>
std::optional<Number> number_of(const std::string& text) {
  Number number = 0;
  const auto* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || rest != end || number < 0) return std::nullopt;
  return number;
}

std::optional<OffsetLine> line_of(std::string_view text) {
  auto fields = fields_of(text);
  if (!fields || fields->size() < 3 || fields->size() > 4) return std::nullopt;
  const auto first = fields->size() - 3;
  const auto partition = number_of<std::int32_t>((*fields)[first + 1]);
  const auto offset = number_of<Offset>((*fields)[first + 2]);
  if (!partition || !offset || (*fields)[first].empty()) return std::nullopt;
  OffsetLine line;
  if (first == 1) line.group = std::move((*fields)[0]);
  line.partition = {std::move((*fields)[first]), *partition};
  line.offset = *offset;
  return line;
}

std::string quoted_if_needed(const std::string& field) {
  if (field.find_first_of("\", \r\n") == std::string::npos) return field;
  std::string text = "\"";
  for (const char c : field) text += c == '"' ? std::string("\"\"") : std::string(1, c);
  return text + '"';
}

}  // namespace

std::vector<OffsetLine> parse_offset_csv(const std::string& name, std::string_view text) {
  std::vector<OffsetLine> lines;
  std::set<std::pair<std::optional<std::string>, TopicPartition>> seen;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    auto row = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (row.ends_with('\r')) row.remove_suffix(1);
    if (row.empty()) continue;
    const auto place = name + " line " + std::to_string(number) + ": ";
    auto line = line_of(row);
    if (!line)
      throw UsageError(place + '"' + observe::printable(std::string(row)) +
                       "\" should be topic,partition,offset or group,topic,partition,offset");
    if (!lines.empty() && lines.front().group.has_value() != line->group.has_value())
      throw UsageError(place + "either all lines name a group or none does");
    if (!seen.emplace(line->group, line->partition).second)
      throw UsageError(place + partition_text(line->partition) + " is named before");
    lines.push_back(std::move(*line));
  }
  return lines;
}

std::vector<OffsetLine> read_offset_csv(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  if (in && in.peek() != std::ifstream::traits_type::eof()) text << in.rdbuf();
  if (in.bad() || !in.is_open() || !text) throw UsageError(file + " cannot be read");
  return parse_offset_csv(file, text.str());
}

std::map<TopicPartition, Offset> offsets_of(const std::vector<OffsetLine>& lines,
                                            const std::string& group) {
  std::map<TopicPartition, Offset> offsets;
  for (const auto& line : lines)
    if (!line.group || *line.group == group) offsets[line.partition] = line.offset;
  return offsets;
}

void write_offset_csv(std::ostream& out, const std::vector<OffsetLine>& lines) {
  for (const auto& line : lines) {
    if (line.group) out << quoted_if_needed(*line.group) << ',';
    out << quoted_if_needed(line.partition.topic) << ',' << line.partition.partition << ','
        << line.offset << '\n';
  }
}

}  // namespace kinbox::cli
