#include "cli/position/offset_words.hpp"

#include <gmock/gmock.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>

#include "cli/position/offset_csv.hpp"
#include "cli/position/time_words.hpp"
#include "cli/position/topic_choice.hpp"
#include "cli/usage_error.hpp"
#include "support/temporary_directory.hpp"

namespace kinbox::cli {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::ThrowsMessage;

const Timestamp kNoon{1'769'860'800s};

/// This process's local time zone, until the end of the test.
class Zone {
 public:
  explicit Zone(const char* name) {
    setenv("TZ", name, 1);
    tzset();
  }
  ~Zone() {
    unsetenv("TZ");
    tzset();
  }
};

TEST(ZonedTimes, SayTheirZone) {
  EXPECT_EQ(zoned_time("--to-datetime", "2026-01-31T12:00:00Z"), kNoon);
  EXPECT_EQ(zoned_time("--to-datetime", "2026-01-31T12:00:00.250Z"), kNoon + 250ms);
  EXPECT_EQ(zoned_time("--to-datetime", "2026-01-31T07:00:00.000-05:00"), kNoon);
}

TEST(ZonedTimes, WithoutAZoneAreShownInBothReadings) {
  const Zone zone("CET-1CEST");
  EXPECT_THAT([] { zoned_time("--to-datetime", "2026-01-31T12:00:00.5"); },
              ThrowsMessage<UsageError>(AllOf(HasSubstr("--to-datetime"),
                                              HasSubstr("write 2026-01-31T12:00:00.5Z if"),
                                              HasSubstr("or 2026-01-31T12:00:00.5+01:00 if"))));
  EXPECT_THAT([] { zoned_time("--to-datetime", "2026-07-31"); },
              ThrowsMessage<UsageError>(AllOf(HasSubstr("write 2026-07-31T00:00:00Z if"),
                                              HasSubstr("or 2026-07-31T00:00:00+02:00 if"))));
}

TEST(ZonedTimes, KnowZonesWestOfUtcAndHalfHours) {
  const Zone zone("NST3:30");
  EXPECT_THAT([] { zoned_time("--to-datetime", "2026-01-31T12:00:00"); },
              ThrowsMessage<UsageError>(HasSubstr("or 2026-01-31T12:00:00-03:30 if")));
}

TEST(ZonedTimes, RefuseWhatIsNoTime) {
  for (const auto* text :
       {"", "yesterday", "12:00:00Z", "2026-02-30T12:00:00Z", "2026-01-31T12Z", "1769860800000"})
    EXPECT_THAT([&] { zoned_time("--until-datetime", text); },
                ThrowsMessage<UsageError>(
                    AllOf(HasSubstr("--until-datetime"), HasSubstr("should be a time like"))))
        << text;
}

TEST(SpansOfTime, AreKafkasOrOurs) {
  EXPECT_EQ(span_of_time("--by-duration", "PT10M"), 10min);
  EXPECT_EQ(span_of_time("--by-duration", "P1DT2H3M4S"), 26h + 3min + 4s);
  EXPECT_EQ(span_of_time("--by-duration", "P2D"), 48h);
  EXPECT_EQ(span_of_time("--by-duration", "PT0.2509S"), 250ms);
  EXPECT_EQ(span_of_time("--by-duration", "P0DT0H10M0S"), 10min);
  EXPECT_EQ(span_of_time("--by-duration", "10m"), 10min);
  EXPECT_EQ(span_of_time("--by-duration", "7d"), 168h);
}

TEST(SpansOfTime, RefuseEverythingElse) {
  for (const auto* text : {"", "P", "PT", "P1DT", "P1H", "PT1D", "P1W", "P1M", "PT5", "PT1.S",
                           "PT5S1M", "-PT5M", "10", "P99999999999999D"})
    EXPECT_THAT([&] { span_of_time("--by-duration", text); },
                ThrowsMessage<UsageError>(HasSubstr("--by-duration")))
        << text;
}

TEST(OffsetCsv, IsWhatKafkasCommandWrites) {
  EXPECT_THAT(parse_offset_csv("f", "orders,0,5\nm.e-n_u,12,0\n"),
              ElementsAre(OffsetLine{{}, {"orders", 0}, 5}, OffsetLine{{}, {"m.e-n_u", 12}, 0}));
  EXPECT_THAT(parse_offset_csv("f", "shop,orders,0,5\r\n\r\n\"a \"\"b\"\", c\",\"orders\",1,6"),
              ElementsAre(OffsetLine{"shop", {"orders", 0}, 5},
                          OffsetLine{"a \"b\", c", {"orders", 1}, 6}));
  EXPECT_THAT(parse_offset_csv("f", ""), IsEmpty());
}

TEST(OffsetCsv, IsReadAgainAsItWasWritten) {
  const std::vector<OffsetLine> lines{{"shop", {"orders", 0}, 5},
                                      {"a \"b\", c", {"orders", 1}, 9'000'000'000}};
  std::ostringstream out;
  write_offset_csv(out, lines);
  EXPECT_EQ(out.str(), "shop,orders,0,5\n\"a \"\"b\"\", c\",orders,1,9000000000\n");
  EXPECT_EQ(parse_offset_csv("f", out.str()), lines);
}

TEST(OffsetCsv, NamesTheLineThatIsNone) {
  for (const auto* text : {"orders,0", "a,b,c,d,e", "orders,x,5", "orders,0,-5", "orders,0,5 ",
                           ",0,5", "orders,0,99999999999999999999", "\"orders,0,5",
                           "\"orders\"x,0,5", "topic,partition,offset"})
    EXPECT_THAT([&] { parse_offset_csv("set.csv", "ok,0,1\n" + std::string(text)); },
                ThrowsMessage<UsageError>(HasSubstr("set.csv line 2: ")))
        << text;
  EXPECT_THAT([] { parse_offset_csv("f", "orders,0,5\nshop,orders,1,5"); },
              ThrowsMessage<UsageError>(HasSubstr("f line 2: either all lines name a group")));
  EXPECT_THAT([] { parse_offset_csv("f", "orders,0,5\norders,0,6"); },
              ThrowsMessage<UsageError>(HasSubstr("f line 2: orders/0 is named before")));
}

TEST(OffsetCsv, GivesAGroupItsLines) {
  const auto several = parse_offset_csv("f", "shop,orders,0,5\nmail,orders,0,7\n");
  EXPECT_THAT(offsets_of(several, "mail"), ElementsAre(Pair(TopicPartition{"orders", 0}, 7)));
  EXPECT_THAT(offsets_of(several, "other"), IsEmpty());
  EXPECT_THAT(offsets_of(parse_offset_csv("f", "orders,0,5"), "any"),
              ElementsAre(Pair(TopicPartition{"orders", 0}, 5)));
}

TEST(TopicChoices, AreATopicAndPerhapsItsPartitions) {
  EXPECT_EQ(topic_choice("orders"), (TopicChoice{"orders", {}}));
  EXPECT_EQ(topic_choice("orders:2,0"), (TopicChoice{"orders", {0, 2}}));
  for (const auto* word :
       {"", ":0", "orders:", "orders:a", "orders:0,", "orders:,0", "orders:0;1", "orders:-1"})
    EXPECT_THAT([&] { topic_choice(word); }, ThrowsMessage<UsageError>(HasSubstr("--topic")))
        << word;
}

TEST(TopicChoices, SelectPartitionsThatAreThere) {
  const std::vector<std::string> topics{"orders", "menu", "gone"};
  const std::map<std::string, int> counts{{"orders", 3}, {"menu", 1}, {"other", 9}};
  const auto select = [&](std::vector<TopicChoice> choices) {
    return chosen_partitions(choices, topics, counts);
  };
  EXPECT_THAT(select({}), ElementsAre(TopicPartition{"menu", 0}, TopicPartition{"orders", 0},
                                      TopicPartition{"orders", 1}, TopicPartition{"orders", 2}));
  EXPECT_THAT(select({{"orders", {1}}, {"menu"}, {"orders", {1, 2}}}),
              ElementsAre(TopicPartition{"menu", 0}, TopicPartition{"orders", 1},
                          TopicPartition{"orders", 2}));
  EXPECT_THAT([&] { select({{"ordres"}}); },
              ThrowsMessage<UsageError>(HasSubstr("did you mean \"orders\"")));
  EXPECT_THAT([&] { select({{"gone"}}); },
              ThrowsMessage<UsageError>(HasSubstr("no topic \"gone\"")));
  EXPECT_THAT(
      [&] {
        select({{"orders", {1, 3}}});
      },
      ThrowsMessage<UsageError>(HasSubstr("has partitions 0 to 2, and no 3")));
}

/// What a line's words come to.
class Line {
 public:
  explicit Line(std::vector<std::string> arguments) {
    CLI::App app;
    add_begin_words(app, begin_);
    add_committed_word(app, begin_);
    add_end_words(app, end_);
    add_topic_choice(app, topics_);
    std::reverse(arguments.begin(), arguments.end());
    app.parse(arguments);
  }

  std::optional<Place> begin() const { return begin_place(begin_, "shop", kNoon); }
  std::optional<Place> end() const { return end_place(end_); }
  const std::vector<std::string>& topics() const { return topics_; }

 private:
  OffsetWords begin_;
  OffsetWords end_;
  std::vector<std::string> topics_;
};

class OffsetPlaces : public ::testing::Test {
 protected:
  using Places = std::map<TopicPartition, Offset>;

  Places begin(const std::vector<std::string>& arguments) const {
    return resolve(Line(arguments).begin().value(), facts_, known_);
  }
  Places end(const std::vector<std::string>& arguments) const {
    return resolve(Line(arguments).end().value(), facts_, known_);
  }

  const TopicPartition first_{"orders", 0};
  const TopicPartition second_{"orders", 1};
  const LogFacts facts_{{{first_, {10, 50}}, {second_, {0, 7}}}, {{first_, 33}, {second_, 7}}};
  const KnownOffsets known_{{{first_, 40}}, {{second_, 4}}};
};

TEST_F(OffsetPlaces, AreSaidInKafkasWords) {
  EXPECT_EQ(begin({"--to-earliest"}), (Places{{first_, 10}, {second_, 0}}));
  EXPECT_EQ(begin({"--to-latest"}), (Places{{first_, 50}, {second_, 7}}));
  EXPECT_EQ(begin({"--to-offset", "5"}), (Places{{first_, 5}, {second_, 5}}));
  EXPECT_EQ(begin({"--to-datetime", "2026-01-31T12:00:00Z"}), (Places{{first_, 33}, {second_, 7}}));
  EXPECT_EQ(end({"--until-latest"}), (Places{{first_, 50}, {second_, 7}}));
  EXPECT_EQ(end({"--until-offset", "5"}), (Places{{first_, 5}, {second_, 5}}));
  EXPECT_EQ(end({"--until-datetime", "2026-01-31T12:00:00Z"}),
            (Places{{first_, 33}, {second_, 7}}));
}

TEST_F(OffsetPlaces, ADurationIsATimeBeforeNow) {
  EXPECT_EQ(std::get<place::Since>(*Line({"--by-duration", "PT1H"}).begin()).time, kNoon - 1h);
  EXPECT_EQ(std::get<place::Since>(*Line({"--to-datetime", "2026-01-31T12:00:00Z"}).begin()).time,
            kNoon);
}

TEST_F(OffsetPlaces, ShiftsAreFromThePositionWhereThereIsOne) {
  EXPECT_EQ(begin({"--shift-by", "-15"}), (Places{{first_, 25}}));
  EXPECT_EQ(begin({"--shift-by=3"}), (Places{{first_, 43}}));
  EXPECT_EQ(begin({"--shift-by", "-100"}), (Places{{first_, 0}}));
  EXPECT_THAT(
      [&] {
        begin({"--shift-by", "9223372036854775807"});
      },
      ThrowsMessage<UsageError>(HasSubstr("--shift-by: 9223372036854775807 is too far")));
}

TEST_F(OffsetPlaces, AFileSaysThePartitionsToo) {
  const testing::TemporaryDirectory directory;
  const auto file = (directory / "set.csv").string();
  std::ofstream(file) << "shop,orders,1,3\nmail,orders,0,9\n";
  EXPECT_EQ(begin({"--from-file", file}), (Places{{second_, 3}}));
  std::ofstream(file) << "orders,7,3\n";
  EXPECT_THAT(
      [&] {
        begin({"--from-file", file});
      },
      ThrowsMessage<UsageError>(HasSubstr("has no partition orders/7")));
  std::ofstream(file) << "mail,orders,0,9\n";
  EXPECT_THAT(
      [&] {
        begin({"--from-file", file});
      },
      ThrowsMessage<UsageError>(HasSubstr("set.csv has no line for group shop")));
  std::ofstream(file, std::ios::trunc).close();
  EXPECT_THAT(
      [&] {
        begin({"--from-file", file});
      },
      ThrowsMessage<UsageError>(HasSubstr("set.csv has no line for group shop")));
  EXPECT_THAT(
      [&] {
        begin({"--from-file", file + ".none"});
      },
      ThrowsMessage<UsageError>(HasSubstr("set.csv.none cannot be read")));
  EXPECT_THAT(
      [&] {
        begin({"--from-file", directory.path().string()});
      },
      ThrowsMessage<UsageError>(HasSubstr("cannot be read")));
}

TEST_F(OffsetPlaces, CommittedOnesAreTheGroups) {
  EXPECT_EQ(begin({"--to-committed"}), (Places{{second_, 4}}));
}

TEST_F(OffsetPlaces, AreOneOrNone) {
  EXPECT_FALSE(Line({}).begin());
  EXPECT_FALSE(Line({"--to-latest"}).end());
  EXPECT_FALSE(Line({"--until-latest"}).begin());
  EXPECT_THAT(
      [] {
        Line({"--to-latest", "--shift-by", "1"}).begin();
      },
      ThrowsMessage<UsageError>(HasSubstr("--to-latest and --shift-by: say one of them")));
  EXPECT_THAT(
      [] {
        Line({"--until-latest", "--until-offset", "1"}).end();
      },
      ThrowsMessage<UsageError>(HasSubstr("--until-latest and --until-offset")));
  EXPECT_THAT(
      [] {
        Line({"--to-offset", "-1"}).begin();
      },
      ThrowsMessage<UsageError>(HasSubstr("--to-offset: an offset is 0 or more")));
  EXPECT_THAT(
      [] {
        Line({"--until-offset", "-1"}).end();
      },
      ThrowsMessage<UsageError>(HasSubstr("--until-offset: an offset is 0 or more")));
  EXPECT_THROW(Line({"--to-offset", "x"}), CLI::ParseError);
}

TEST_F(OffsetPlaces, AreBroughtIntoTheLogAsKafkaDoesIt) {
  const LogRange log{10, 50};
  EXPECT_EQ(within(log, 9), 10);
  EXPECT_EQ(within(log, 10), 10);
  EXPECT_EQ(within(log, 33), 33);
  EXPECT_EQ(within(log, 51), 50);
}

TEST_F(OffsetPlaces, TopicsMayBeRepeatedAndTakeNothingElseAlong) {
  EXPECT_THAT(Line({"--topic", "orders:0,1", "--to-earliest", "--topic", "menu"}).topics(),
              ElementsAre("orders:0,1", "menu"));
}

TEST_F(OffsetPlaces, TwoOfThemAreARange) {
  EXPECT_THAT(slices_between({{first_, 10}, {second_, 5}}, {{first_, 20}, {second_, 5}}),
              ElementsAre(kafka::LogSlice{first_, 10, 20}));
  EXPECT_THAT(slices_between({{first_, 10}, {second_, 5}}, {{first_, 20}}),
              ElementsAre(kafka::LogSlice{first_, 10, 20}));
}

TEST_F(OffsetPlaces, ARangeOfNothingIsAnError) {
  EXPECT_THAT(
      [&] {
        slices_between({{first_, 20}}, {{first_, 20}});
      },
      ThrowsMessage<UsageError>(HasSubstr("is empty: orders/0 from 20 until 20")));
  EXPECT_THAT(
      [&] {
        slices_between({{first_, 20}, {second_, 3}}, {{first_, 20}, {second_, 2}});
      },
      ThrowsMessage<UsageError>(
          HasSubstr("ends before it begins: orders/0 from 20 until 20; orders/1 from 3")));
  EXPECT_THAT(
      [&] {
        slices_between({{first_, 20}}, {});
      },
      ThrowsMessage<UsageError>(HasSubstr("it has no partition")));
}

}  // namespace
}  // namespace kinbox::cli
