#include <gmock/gmock.h>

#include "cli/retention/short_windows.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::cli {
namespace {

using std::chrono::days;
using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TopicRetention keeps(milliseconds time, milliseconds segment = days{7}) {
  return {.time = time, .segment = segment, .compacted = false};
}

GuardingWindow inbox(milliseconds window) { return {"orders", "retention.inbox", window, {"t"}}; }

std::string text(const std::optional<ShortWindow>& found) {
  return found ? found->text : "(long enough)";
}

TEST(ShortWindow, IsOneThatEndsBeforeKafkaDeletesTheSegment) {
  EXPECT_FALSE(short_window(inbox(days{14}), "t", keeps(days{7}), {}));
  const auto found = short_window(inbox(days{14} - milliseconds{1}), "t", keeps(days{7}), {});
  EXPECT_THAT(text(found), AllOf(HasSubstr("consumer orders: topic t may keep its records for 14d"),
                                 HasSubstr("segment.ms 7d"), HasSubstr("set retention.inbox")));
  EXPECT_EQ(found->name, "orders");
}

TEST(ShortWindow, IsMeasuredWithTheMarginThatIsGiven) {
  EXPECT_FALSE(short_window(inbox(days{8}), "t", keeps(days{7}), days{1}));
  EXPECT_THAT(text(short_window(inbox(days{8}), "t", keeps(days{7}), days{2})),
              AllOf(HasSubstr("for 9d"), HasSubstr("retention.margin 2d")));
  EXPECT_FALSE(short_window(inbox(days{7}), "t", keeps(days{7}), milliseconds{0}));
}

TEST(ShortWindow, IsEveryOneForATopicThatKeepsItsRecordsForEver) {
  TopicRetention forever;
  EXPECT_THAT(text(short_window(inbox(days{36500}), "t", forever, {})),
              AllOf(HasSubstr("for ever (retention.ms=-1)"), HasSubstr("runs again"),
                    HasSubstr("no window is long enough")));
  auto compacted = keeps(days{1});
  compacted.compacted = true;
  EXPECT_THAT(text(short_window(inbox(days{36500}), "t", compacted, {})),
              AllOf(HasSubstr("topic t is compacted"), HasSubstr("no window is long enough")));
}

TEST(ShortWindow, OfMailsSaysThatTheyAreSentAgain) {
  const GuardingWindow mail{"mail", "retention.mail", days{1}, {"t"}};
  EXPECT_THAT(text(short_window(mail, "t", keeps(days{7}), {})),
              AllOf(HasSubstr("mail: topic t"), HasSubstr("sends its mail again"),
                    HasSubstr("set retention.mail")));
}

TEST(ShortWindows, AreLookedForInEveryTopicButNotWhereSomebodyAgreed) {
  const std::vector<GuardingWindow> windows{
      {"orders", "retention.inbox", days{5}, {"a", "b", "gone"}},
      {"mailer", "retention.inbox", days{5}, {"c"}}};
  const auto ask = [](const std::string& topic) -> std::optional<TopicRetention> {
    if (topic == "c") throw InfrastructureError("nobody may ask");
    if (topic == "gone") return std::nullopt;
    return keeps(topic == "a" ? days{1} : days{7}, milliseconds{0});
  };
  const auto found = short_windows(windows, {}, std::vector<std::string>{"mailer"}, ask);
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_THAT(found[0].text, HasSubstr("topic b"));
  EXPECT_THAT(short_windows(windows, {}, std::vector<std::string>{"mailer", "orders"}, ask),
              IsEmpty());
  EXPECT_THROW(short_windows(windows, {}, {}, ask), InfrastructureError);
}

}  // namespace
}  // namespace kinbox::cli
