#include "cli/config/values.hpp"

#include <charconv>
#include <cmath>

#include "cli/config/units.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::cli {
namespace {

template <typename T>
void read_count(const ConfigNode& node, T& target) {
  const auto text = node.text();
  T number{};
  const auto* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc{} && rest == end && number >= 1)
    target = number;
  else if (!text.empty())
    node.problem("should be a whole number from 1 on, not \"" + text + "\"");
}

/// Parsers throw with the reason; the place is ours to add.
template <typename Parse>
void read_parsed(const ConfigNode& node, Parse parse) {
  const auto text = node.text();
  if (text.empty()) return;
  try {
    parse(text);
  } catch (const ConfigurationError& e) {
    node.problem(e.what());
  }
}

}  // namespace

void read_value(const ConfigNode& node, std::string& target) {
  const auto text = node.text();
  if (!text.empty()) target = text;
}

void read_value(const ConfigNode& node, bool& target) {
  read_word(node, target, Words<bool>{{"true", true}, {"false", false}});
}

void read_value(const ConfigNode& node, int& target) { read_count(node, target); }

void read_value(const ConfigNode& node, std::size_t& target) { read_count(node, target); }

void read_value(const ConfigNode& node, double& target) {
  const auto text = node.text();
  double number = 0;
  const auto* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc{} && rest == end && std::isfinite(number) && number >= 0)
    target = number;
  else if (!text.empty())
    node.problem("should be a number from 0 on, not \"" + text + "\"");
}

void read_value(const ConfigNode& node, ByteSize& target) {
  read_parsed(node, [&](const std::string& text) { target.bytes = parse_size(text); });
}

void read_value(const ConfigNode& node, std::chrono::milliseconds& target) {
  read_parsed(node, [&](const std::string& text) { target = parse_duration(text); });
}

void read_bound(const ConfigNode& node, std::optional<std::chrono::milliseconds>& bound) {
  // What cannot be read stays as it is, and was complained of.
  std::chrono::milliseconds duration{1};
  read_value(node, duration);
  bound = duration;
  if (duration.count() == 0) node.problem("should be more than nothing");
}

void read_bound_or_none(const ConfigNode& node, std::optional<std::chrono::milliseconds>& bound) {
  const auto text = node.text();
  if (text == "none")
    bound.reset();
  else if (!text.empty())
    read_bound(node, bound);
}

}  // namespace kinbox::cli
