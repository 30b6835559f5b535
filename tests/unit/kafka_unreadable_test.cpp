#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kafka/voice.hpp"

namespace kinbox::kafka {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr auto* kUnsupported =
    "Decompression (codec 0x4) of message at 0 of 28 bytes failed: Local: Not implemented";

TEST(UnreadableRecords, OfAMissingCodecNameIt) {
  EXPECT_THAT(unreadable_text(RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED, kUnsupported),
              AllOf(HasSubstr(kUnsupported), HasSubstr("is built without zstd here: use one"),
                    HasSubstr("nothing is passed over")));
}

TEST(UnreadableRecords, OfAnUnknownFormatWantANewerLibrary) {
  EXPECT_THAT(unreadable_text(RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED,
                              "Unsupported Message(Set) MagicByte 3 at offset 7"),
              HasSubstr("a newer librdkafka than"));
}

TEST(UnreadableRecords, ThatAreDamagedMayBeWholeElsewhere) {
  for (const auto code : {RD_KAFKA_RESP_ERR__BAD_MSG, RD_KAFKA_RESP_ERR__BAD_COMPRESSION})
    EXPECT_THAT(unreadable_text(code, "MessageSet at offset 2 failed CRC32C check"),
                HasSubstr("another replica may hold them whole"));
}

}  // namespace
}  // namespace kinbox::kafka
