#include <gmock/gmock.h>

#include <array>

#include "kinbox/errors.hpp"
#include "kinbox/replies.hpp"

namespace kinbox {
namespace {

using ::testing::HasSubstr;

std::string refusal(const ReplyOptions& options) {
  const std::array<std::string, 2> consumed{"orders.created", "orders.changed"};
  try {
    require_usable(options, consumed);
  } catch (const ConfigurationError& e) {
    return e.what();
  }
  return "";
}

TEST(ReplyOptionsTest, ATopicOrAListIsEnough) {
  EXPECT_EQ(refusal({.to = "replies"}), "");
  EXPECT_EQ(refusal({.allow = {"replies"}}), "");
}

TEST(ReplyOptionsTest, RepliesNeedATopic) { EXPECT_THAT(refusal({}), HasSubstr("add to: TOPIC")); }

TEST(ReplyOptionsTest, TopicsAreNames) {
  EXPECT_THAT(refusal({.to = "no topic"}), HasSubstr("\"no topic\", which is no topic name"));
  EXPECT_THAT(refusal({.to = "replies", .allow = {"good", "*"}}), HasSubstr("\"*\""));
}

// Each reply would be an event that comes back.
TEST(ReplyOptionsTest, AConsumerDoesNotReplyToItself) {
  EXPECT_THAT(refusal({.to = "orders.changed"}),
              HasSubstr("orders.changed, which this consumer reads itself"));
  EXPECT_THAT(refusal({.allow = {"replies", "orders.created"}}), HasSubstr("orders.created"));
}

TEST(ReplyOptionsTest, AHeaderHasAName) {
  EXPECT_THAT(refusal({.header = "", .allow = {"replies"}}), HasSubstr("name of a header"));
  EXPECT_THAT(refusal({.header = "\xFF", .allow = {"replies"}}), HasSubstr("name of a header"));
}

TEST(ReplyOptionsTest, SomethingIsTold) {
  EXPECT_THAT(refusal({.to = "replies", .processed = false, .failed = false}),
              HasSubstr("processed, failed or both"));
}

}  // namespace
}  // namespace kinbox
