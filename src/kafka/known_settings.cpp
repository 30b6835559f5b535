#include "kafka/known_settings.hpp"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <sstream>

namespace kinbox::kafka {
namespace {

/// librdkafka lists its settings, with aliases, only as the table that its manual is made of.
std::string settings_table() {
  char* text = nullptr;
  std::size_t size = 0;
  std::FILE* stream = open_memstream(&text, &size);
  if (stream == nullptr) return {};
  rd_kafka_conf_properties_show(stream);
  std::fclose(stream);
  const std::unique_ptr<char, decltype(&std::free)> owner(text, &std::free);
  return {text, size};
}

std::vector<std::string> first_column(const std::string& table) {
  std::vector<std::string> names;
  std::istringstream lines(table);
  for (std::string line; std::getline(lines, line);) {
    const auto name = line.substr(0, line.find(' '));
    if (line.find(" | ") != line.npos && name != "Property") names.push_back(name);
  }
  return names;
}

/// Levenshtein's distance.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replace = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replace, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

const std::vector<std::string>& known_settings() {
  static const std::vector<std::string> names = first_column(settings_table());
  return names;
}

std::optional<std::string> nearest(std::string_view typo,
                                   const std::vector<std::string>& candidates) {
  const std::string* best = nullptr;
  std::size_t best_distance = std::max<std::size_t>(2, typo.size() / 4) + 1;
  for (const auto& candidate : candidates) {
    const auto d = distance(typo, candidate);
    if (d >= best_distance) continue;
    best = &candidate;
    best_distance = d;
  }
  if (best == nullptr) return std::nullopt;
  return *best;
}

}  // namespace kinbox::kafka
