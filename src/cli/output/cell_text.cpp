#include "cli/output/cell_text.hpp"

#include <array>
#include <charconv>

namespace kinbox::cli {
namespace {

std::string shortest(double value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

}  // namespace

std::string to_text(const Cell& cell, std::string_view unknown) {
  struct ToText {
    std::string_view unknown;
    std::string operator()(std::monostate) const { return std::string(unknown); }
    std::string operator()(bool value) const { return value ? "true" : "false"; }
    std::string operator()(std::int64_t value) const { return std::to_string(value); }
    std::string operator()(double value) const { return shortest(value); }
    std::string operator()(const std::string& value) const { return value; }
  };
  return std::visit(ToText{unknown}, cell);
}

}  // namespace kinbox::cli
