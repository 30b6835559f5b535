#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/config/nearest.hpp"
#include "cli/config/node.hpp"

namespace kinbox::cli {

/// A number of bytes, written with its unit.
struct ByteSize {
  std::size_t bytes = 0;
};

// What does not parse is noted as a problem and leaves the target alone.
void read_value(const ConfigNode& node, std::string& target);
void read_value(const ConfigNode& node, bool& target);
/// At least 1.
void read_value(const ConfigNode& node, int& target);
void read_value(const ConfigNode& node, std::size_t& target);
/// Not negative.
void read_value(const ConfigNode& node, double& target);
void read_value(const ConfigNode& node, ByteSize& target);
void read_value(const ConfigNode& node, std::chrono::milliseconds& target);

/// A duration that is more than nothing.
void read_bound(const ConfigNode& node, std::optional<std::chrono::milliseconds>& bound);
/// That, or "none".
void read_bound_or_none(const ConfigNode& node, std::optional<std::chrono::milliseconds>& bound);

/// The words a setting may be, in the order an error names them.
template <typename T>
using Words = std::vector<std::pair<std::string, T>>;

template <typename T>
void read_word(const ConfigNode& node, T& target, const Words<T>& words) {
  const auto text = node.text();
  std::vector<std::string> names;
  for (const auto& [name, value] : words) {
    if (name == text) {
      target = value;
      return;
    }
    names.push_back(name);
  }
  if (!text.empty()) node.problem("cannot be \"" + text + "\"" + suggestion(text, names));
}

template <typename T>
std::string word_for(T value, const Words<T>& words) {
  for (const auto& [name, candidate] : words)
    if (candidate == value) return name;
  return {};
}

}  // namespace kinbox::cli
