#include "core/outbox_place.hpp"

#include <bit>

namespace kinbox {
namespace {

constexpr std::uint64_t kOffsetBasis = 0xcbf29ce484222325ULL;
constexpr std::uint64_t kPrime = 0x100000001b3ULL;
constexpr std::uint64_t kLanes = 64;

/// FNV-1a, 64 bit (http://www.isthe.com/chongo/tech/comp/fnv/).
std::uint64_t fnv1a(std::uint64_t hash, std::string_view bytes) {
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * kPrime;
  return hash;
}

}  // namespace

OutboxPlace outbox_place(std::string_view topic, std::string_view key) {
  const auto hash = fnv1a(fnv1a(fnv1a(kOffsetBasis, topic), std::string_view("\0", 1)), key);
  return {static_cast<int>(hash % kLanes), std::bit_cast<std::int64_t>(hash)};
}

}  // namespace kinbox
