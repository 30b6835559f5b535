#pragma once

#include <span>
#include <string>

namespace kinbox::cli {

/// "a, b, c"
inline std::string joined(std::span<const std::string> names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace kinbox::cli
