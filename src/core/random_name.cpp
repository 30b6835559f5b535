#include "core/random_name.hpp"

#include <array>
#include <cstdio>
#include <random>

namespace kinbox {

std::string random_name() {
  std::random_device random;
  std::array<char, 33> text{};
  std::snprintf(text.data(), text.size(), "%08x%08x%08x%08x", random(), random(), random(),
                random());
  return text.data();
}

}  // namespace kinbox
