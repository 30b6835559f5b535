#include "cli/dlq/letter_selection.hpp"

#include <gmock/gmock.h>

namespace kinbox::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(LetterSelection, NothingGivenIsEveryLetter) {
  const auto where = letters_where({});
  EXPECT_EQ(where.text, "1 = 1");
  EXPECT_THAT(where.arguments, IsEmpty());
  EXPECT_FALSE(LetterSelection{}.restricts());
}

TEST(LetterSelection, StatesAloneDoNotRestrict) {
  EXPECT_FALSE((LetterSelection{.states = {"open"}}).restricts());
  EXPECT_TRUE((LetterSelection{.topic = "t", .states = {"open"}}).restricts());
  EXPECT_TRUE((LetterSelection{.ids = {1}}).restricts());
  EXPECT_TRUE((LetterSelection{.since = Timestamp{}}).restricts());
}

TEST(LetterSelection, ParametersGoOnWhereTheCallersEnd) {
  const auto where =
      letters_where({.consumer = "c", .error_class = "E", .states = {"open", "parked"}}, 3);
  EXPECT_EQ(where.text,
            "consumer = $3 AND (error_type = $4 OR error_code = $4) AND state IN ($5, $6)");
  EXPECT_THAT(where.arguments,
              ElementsAre(SqlValue("c"), SqlValue("E"), SqlValue("open"), SqlValue("parked")));
}

TEST(LetterSelection, OfParkedEventsHasNoStateAndTheTimeTheyWereParked) {
  const auto where = parked_where({.until = Timestamp{}, .states = {"open"}});
  EXPECT_EQ(where.text, "parked_at < $1");
  EXPECT_THAT(where.arguments, ElementsAre(SqlValue("1970-01-01T00:00:00.000Z")));
}

TEST(LetterSelection, ArgumentsAreOfTheirKind) {
  const auto where = letters_where({.ids = {7, 8}, .partition = 3, .key = std::string("\0k", 2)});
  EXPECT_EQ(where.text, "id IN (7, 8) AND partition = $1 AND key = $2");
  const auto params = where.params();
  ASSERT_EQ(params.size(), 2U);
  EXPECT_EQ(std::get<std::int64_t>(params[0].value()), 3);
  EXPECT_EQ(as_text(std::get<Bytes>(params[1].value())), std::string_view("\0k", 2));
}

TEST(LetterSelection, AsOptionsCanBeTypedAgain) {
  EXPECT_EQ(as_options({}), "");
  EXPECT_EQ(as_options({.ids = {4, 5},
                        .consumer = "orders",
                        .group = "",
                        .topic = "it's",
                        .partition = 2,
                        .key = "\xFF",
                        .since = Timestamp{},
                        .states = {"open", "requested"}}),
            "4 5 --consumer orders --group '' --topic 'it'\\''s' --partition 2 --key base64:/w== "
            "--since 1970-01-01T00:00:00.000Z --state open --state requested");
}

}  // namespace
}  // namespace kinbox::cli
