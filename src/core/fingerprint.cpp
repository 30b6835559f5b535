#include "kinbox/fingerprint.hpp"

#include <xxhash.h>

#include <algorithm>

namespace kinbox {
namespace {

constexpr std::byte kXxh3{1};

}  // namespace

Fingerprint Fingerprint::of(std::optional<Bytes> value) {
  Fingerprint fingerprint;
  if (!value) return fingerprint;
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(value->data(), value->size()));
  fingerprint.bytes_.front() = kXxh3;
  std::transform(std::begin(canonical.digest), std::end(canonical.digest),
                 fingerprint.bytes_.begin() + 1, [](unsigned char b) { return std::byte{b}; });
  return fingerprint;
}

}  // namespace kinbox
