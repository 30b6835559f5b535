#include "core/uuid.hpp"

#include <gmock/gmock.h>

#include "core/sha1.hpp"
#include "kinbox/outbox.hpp"

namespace kinbox {
namespace {

using ::testing::MatchesRegex;

std::string hex(std::string_view text) {
  std::string found;
  for (const auto byte : sha1(text)) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", byte);
    found += two;
  }
  return found;
}

TEST(Sha1, GivesTheDigestsOfTheStandard) {
  EXPECT_EQ(hex(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_EQ(hex("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
  EXPECT_EQ(hex(std::string(1'000'000, 'a')), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

TEST(Sha1, PadsEveryLengthAroundABlock) {
  // As `printf 'a%.0s' {1..55} | sha1sum` says, and so on.
  EXPECT_EQ(hex(std::string(55, 'a')), "c1c8bbdc22796e28c0e15163d20899b65621d65a");
  EXPECT_EQ(hex(std::string(56, 'a')), "c2db330f6083854c99d4b5bfb6e8f29f201be699");
  EXPECT_EQ(hex(std::string(64, 'a')), "0098ba824b5c16427bd7a1122a5a442a25ec644d");
}

TEST(Uuid, OfANameIsTheOneOfTheStandard) {
  // RFC 9562, appendix A.4.
  constexpr UuidBytes kDns{0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1,
                           0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};
  EXPECT_EQ(uuid_v5(kDns, "www.example.com"), "2ed6657d-e927-568b-95e1-2665a8aea6a2");
}

TEST(Uuid, AtRandomSaysSoAndDiffers) {
  EXPECT_THAT(random_event_id(),
              MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
  EXPECT_NE(random_event_id(), random_event_id());
}

}  // namespace
}  // namespace kinbox
