#pragma once

#include <cstdint>
#include <string_view>

namespace kinbox {

/// Where an outbox row belongs.
struct OutboxPlace {
  /// Which relay carries it.
  int lane = 0;
  /// Rows that must not overtake each other have the same; those of other keys another, as a rule.
  std::int64_t hash = 0;
};

/// fnv1a64(topic, 0x00, key); the lane is that mod 64.
OutboxPlace outbox_place(std::string_view topic, std::string_view key);

}  // namespace kinbox
