#include "kinbox/fingerprint.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace kinbox {
namespace {

std::string hex(const Fingerprint& fingerprint) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const auto byte : fingerprint.bytes()) {
    text += kDigits[std::to_integer<std::size_t>(byte >> 4)];
    text += kDigits[std::to_integer<std::size_t>(byte & std::byte{15})];
  }
  return text;
}

// Stored for ever: the expected values come from `xxhsum -H128`, not from this code.
TEST(Fingerprint, IsXxh3InItsCanonicalForm) {
  EXPECT_EQ(hex(Fingerprint::of(as_bytes(""))), "0199aa06d3014798d86001c324468d497f");
  EXPECT_EQ(hex(Fingerprint::of(as_bytes("kinbox"))), "01ff12f2d7c4f3d769c464ee5bd25fed55");
}

TEST(Fingerprint, OfNullHashesNothingAndDiffersFromEmpty) {
  EXPECT_EQ(hex(Fingerprint::of(std::nullopt)), std::string(34, '0'));
  EXPECT_NE(Fingerprint::of(std::nullopt), Fingerprint::of(as_bytes("")));
}

TEST(Fingerprint, TellsValuesApart) {
  EXPECT_EQ(Fingerprint::of(as_bytes("a")), Fingerprint::of(as_bytes("a")));
  EXPECT_NE(Fingerprint::of(as_bytes("a")), Fingerprint::of(as_bytes("b")));
}

}  // namespace
}  // namespace kinbox
