#pragma once

#include <cstdint>
#include <random>

namespace kinbox::simulation {

/// Chance that is the same on every platform (the standard's distributions are not).
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}

  /// 0 to `end` - 1.
  std::size_t below(std::size_t end) { return static_cast<std::size_t>(engine_() % end); }
  /// Never, for 0.
  bool one_in(std::size_t n) { return n != 0 && below(n) == 0; }
  template <typename Container>
  auto& pick(Container& from) {
    return from[below(from.size())];
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace kinbox::simulation
