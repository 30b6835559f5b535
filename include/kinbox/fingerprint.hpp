#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include "kinbox/bytes.hpp"

namespace kinbox {

/// What an event's value looked like: one byte for the algorithm, then the hash.
///
/// Algorithm 1 is XXH3-128 (canonical, big-endian form) of the raw value without a Confluent schema
/// prefix; algorithm 0 stands for a null value and hashes nothing. Two records with one id and
/// different fingerprints are a producer's mistake, not a redelivery.
class Fingerprint {
 public:
  static Fingerprint of(std::optional<Bytes> value);

  Bytes bytes() const noexcept { return bytes_; }
  bool operator==(const Fingerprint&) const = default;

 private:
  std::array<std::byte, 17> bytes_{};
};

}  // namespace kinbox
