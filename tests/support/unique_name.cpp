#include "support/unique_name.hpp"

#include <random>

namespace kinbox::testing {

std::string unique_name(std::string_view prefix) {
  static constexpr std::string_view kDigits = "abcdefghijklmnopqrstuvwxyz0123456789";
  static constexpr int kLength = 12;  // 62 bits
  std::random_device random;
  std::uniform_int_distribution<std::size_t> digit(0, kDigits.size() - 1);
  std::string name = std::string(prefix) + "_";
  for (int i = 0; i < kLength; ++i) name += kDigits[digit(random)];
  return name;
}

}  // namespace kinbox::testing
