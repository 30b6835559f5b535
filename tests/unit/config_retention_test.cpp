#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/config/load.hpp"
#include "cli/config/show.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::cli {
namespace {

using std::chrono::days;
using std::chrono::hours;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Config parsed(const std::string& more) {
  return parse_config(
      "kafka: {bootstrap.servers: '127.0.0.1:1'}\ndatabase: {sqlite: k.db}\n"
      "consumers: [{name: orders, topics: [t], handlers: [h]}]\n" +
          more,
      "kinbox.yaml", {});
}

std::string refusal(const std::string& retention) {
  try {
    parsed("retention: {" + retention + "}\n");
  } catch (const ConfigurationError& e) {
    return e.what();
  }
  return "(accepted)";
}

std::map<std::string, std::string> shown(const std::string& more) {
  std::map<std::string, std::string> found;
  for (const auto& row : show_config(parsed(more)).rows)
    found[std::get<std::string>(row[0])] = std::get<std::string>(row[1]);
  return found;
}

TEST(RetentionConfiguration, WithoutTheSectionNothingIsPruned) {
  EXPECT_FALSE(parsed("").retention);
  EXPECT_FALSE(shown("").contains("retention.inbox"));
}

TEST(RetentionConfiguration, KeepsForEverWhatHasNoWindow) {
  const auto retention = *parsed("retention: {}\n").retention;
  EXPECT_FALSE(retention.windows.inbox || retention.windows.dead_letters ||
               retention.windows.mail || retention.windows.replays || retention.windows.audit);
  EXPECT_EQ(retention.every, hours{1});
  EXPECT_FALSE(retention.strict);
  EXPECT_FALSE(retention.margin);
  EXPECT_EQ(shown("retention: {}\n").at("retention.inbox"), "none");
  EXPECT_EQ(shown("retention: {}\n").at("retention.margin"), "segment.ms");
}

TEST(RetentionConfiguration, HasAWindowForEachKind) {
  const auto more =
      "outbox: {retention: 3d}\n"
      "retention: {inbox: 30d, dead_letters: 90d, mail: 400d, replays: 60d, audit: 800d, "
      "margin: 0d, strict: true, every: none, confirm: [orders, mail]}\n";
  const auto retention = *parsed(more).retention;
  EXPECT_EQ(retention.windows.inbox, days{30});
  EXPECT_EQ(retention.windows.dead_letters, days{90});
  EXPECT_EQ(retention.windows.outbox, days{3});
  EXPECT_EQ(retention.windows.mail, days{400});
  EXPECT_EQ(retention.windows.replays, days{60});
  EXPECT_EQ(retention.windows.audit, days{800});
  EXPECT_EQ(retention.margin, days{0});
  EXPECT_TRUE(retention.strict);
  EXPECT_FALSE(retention.every);
  EXPECT_THAT(retention.confirm, ElementsAre("orders", "mail"));
  EXPECT_EQ(shown(more).at("retention.confirm"), "orders, mail");
  EXPECT_EQ(shown(more).at("retention.every"), "none");
}

TEST(RetentionConfiguration, RefusesWhatWouldUndoThePromise) {
  EXPECT_THAT(refusal("inbox: 0d"), HasSubstr("more than nothing"));
  EXPECT_THAT(refusal("inbox: 30d, mail: 7d"),
              AllOf(HasSubstr("mail (7d)"), HasSubstr("inbox (30d)")));
  EXPECT_THAT(refusal("confirm: [order]"), AllOf(HasSubstr("\"order\""), HasSubstr("orders")));
  EXPECT_THAT(refusal("dedup: 7d"), HasSubstr("dedup"));
}

}  // namespace
}  // namespace kinbox::cli
