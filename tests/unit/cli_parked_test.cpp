#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/desk_cli.hpp"

namespace kinbox::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CliParked : public kinbox::testing::DeskCli {
 protected:
  /// Rows 1 and 2 are one queue, 3 another, 4 another consumer's.
  void park() {
    sql(R"(
INSERT INTO parked_events (consumer, event_id, event_type, topic, partition, record_offset, key,
    value, headers, fingerprint, reason, handler, error_type, error_code, error_text, error_group,
    attempts, parked_at, due_at, queue) VALUES
 ('orders', 'e-1', 'A', 'orders', 0, 11, CAST('o-1' AS BLOB), CAST('{"a":1.0}' AS BLOB),
  '[["trace","eA=="]]', x'01', 'retries_exhausted', 'stock', 'Timeout', '', 'no answer',
  'aaaaaaaaaaaaaaaa', 3, '2026-01-31T12:00:00.000Z', '2026-01-31T12:10:00.000Z', 7),
 ('orders', 'e-2', 'B', 'orders', 0, 12, CAST('o-1' AS BLOB), NULL, '[]', x'01', '', '', '', '', '',
  '', 0, '2026-01-31T12:01:00.000Z', NULL, 7),
 ('orders', 'e-3', 'A', 'orders', 1, 5, NULL, NULL, '[]', x'01', 'retries_exhausted', 'stock',
  'Timeout', '', 'no answer', 'aaaaaaaaaaaaaaaa', 1, '2026-01-31T13:00:00.000Z',
  '2026-01-31T13:00:10.000Z', 8),
 ('mail', 'e-1', 'A', 'orders', 0, 10, NULL, NULL, '[]', x'01', 'retries_exhausted', 'm', '', '',
  '', '', 1, '2026-01-31T14:00:00.000Z', '2026-01-31T14:00:10.000Z', 7);)");
  }

  std::vector<std::int64_t> waiting(const std::vector<std::string>& filters) {
    return ids({"parked", "list"}, filters);
  }
};

TEST_F(CliParked, ListSaysWhatIsTriedWhenAndWhatWaitsBehindIt) {
  park();
  const auto rows = answer({"parked", "list", "--key", "o-1"});
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0]["ahead"], 0);
  EXPECT_EQ(rows[0]["due_at"], "2026-01-31T12:10:00.000Z");
  EXPECT_EQ(rows[0]["error_text"], "no answer");
  EXPECT_EQ(rows[1]["ahead"], 1);
  EXPECT_EQ(rows[1]["due_at"], nullptr);
}

TEST_F(CliParked, ListTakesTheFiltersOfLettersAndPages) {
  park();
  EXPECT_THAT(waiting({}), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(waiting({"--consumer", "orders", "--group", "aaaaaaaaaaaaaaaa"}), ElementsAre(1, 3));
  EXPECT_THAT(waiting({"--partition", "1"}), ElementsAre(3));
  EXPECT_THAT(waiting({"--since", "2026-01-31T13:00:00Z"}), ElementsAre(3, 4));
  EXPECT_THAT(waiting({"--after", "2", "--limit", "1"}), ElementsAre(3));
  EXPECT_THAT(run({"parked", "list", "--limit", "2"}).err,
              HasSubstr("more than these 2: kinbox parked list --after 2 --limit 2\n"));
  EXPECT_EQ(run({"parked", "list", "--state", "open"}).exit_code, 64);
}

TEST_F(CliParked, ShowHasErrorHeadersAndPayload) {
  park();
  EXPECT_THAT(run({"parked", "show", "1"}).out,
              AllOf(HasSubstr("no answer"), HasSubstr("header trace     x"),
                    HasSubstr("\nvalue: JSON, 9 bytes\n{\n  \"a\": 1.0\n}\n")));
  const auto gone = run({"parked", "show", "17"});
  EXPECT_EQ(gone.exit_code, 1);
  EXPECT_THAT(gone.err, HasSubstr("no event is parked under 17"));
}

}  // namespace
}  // namespace kinbox::cli
