#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/desk_cli.hpp"

namespace kinbox::cli {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CliAudit : public kinbox::testing::DeskCli {
 protected:
  void act() {
    sql(R"(
INSERT INTO audit (at, who, action, consumer, filter, reason, affected, outcome) VALUES
 ('2026-01-31T12:00:00.000Z', 'zoe@desk', 'dlq retry', 'orders', '--state open', 'mended', 812,
  'done'),
 ('2026-01-31T13:00:00.000Z', 'max@desk', 'dlq discard', 'orders', '17', 'a test', 1, 'done'),
 ('2026-02-01T00:00:00.000Z', 'zoe@desk', 'dlq retry', 'mail', '', '', 0, '');)");
  }

  std::vector<std::int64_t> actions(const std::vector<std::string>& filters) {
    return ids({"audit"}, filters);
  }
};

TEST_F(CliAudit, SaysWhoDidWhatTheLatestFirst) {
  act();
  EXPECT_THAT(actions({}), ElementsAre(3, 2, 1));
  EXPECT_EQ(answer({"audit", "--before", "2"})[0],
            json::parse(R"({"id": 1, "at": "2026-01-31T12:00:00.000Z", "who": "zoe@desk",
                "action": "dlq retry", "consumer": "orders", "affected": 812, "outcome": "done",
                "filter": "--state open", "reason": "mended"})"));
}

TEST_F(CliAudit, IsFilteredAndPaged) {
  act();
  EXPECT_THAT(actions({"--consumer", "orders"}), ElementsAre(2, 1));
  EXPECT_THAT(actions({"--action", "dlq retry"}), ElementsAre(3, 1));
  EXPECT_THAT(actions({"--who", "max@desk"}), ElementsAre(2));
  EXPECT_THAT(actions({"--since", "2026-01-31T13:00:00Z", "--until", "2026-02-01T00:00:00Z"}),
              ElementsAre(2));
  const auto page = run({"audit", "--limit", "2"});
  EXPECT_THAT(page.err, HasSubstr("there may be more than these 2; earlier ones: --before 2\n"));
  EXPECT_THAT(run({"audit", "--limit", "3", "--consumer", "mail"}).err, IsEmpty());
}

}  // namespace
}  // namespace kinbox::cli
