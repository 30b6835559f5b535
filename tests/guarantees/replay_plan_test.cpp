// What is said of a replay before anything is changed: its plan, and its trial.
#include <gmock/gmock.h>

#include "core/replay/replay_survey.hpp"
#include "core/replay/replay_trial.hpp"
#include "support/replay_scene.hpp"

namespace kinbox::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

class PlannedReplay : public ReplayScene {};
KINBOX_FOR_ALL_DATABASES(PlannedReplay);

TEST_P(PlannedReplay, ATrialTellsWhatWouldHappenAndKeepsNothing) {
  handle = [this](const Event& event, Transaction& tx) {
    if (event.id() == "d1") throw PermanentError("a bug");
    insert_effect(event, tx);
  };
  process({"a", "b", "d1", "c"});
  forget("c");
  handle = [this](const Event& event, Transaction& tx) {
    if (event.id() == "b") tx.execute("INSERT INTO nowhere VALUES (1)");
    insert_effect(event, tx);
  };
  ReplayTrial trial({.consumer = replayed_spec(),
                     .options = options.dispatch,
                     .database = connect(),
                     .plan = plan()});
  trial.apply(records());
  const auto result = trial.finish();
  const auto& mine = result.by_handler.at("calling");
  EXPECT_EQ(mine.succeeded, 3);
  EXPECT_EQ(mine.failed, 1);
  ASSERT_EQ(result.groups.size(), 1U);
  EXPECT_EQ(result.groups[0].sample_event, "b");
  EXPECT_EQ(result.groups[0].sample_offset, 1);
  EXPECT_THAT(result.groups[0].failure.error_text, HasSubstr("nowhere"));
  EXPECT_FALSE(ranges_.empty());
  EXPECT_THAT(effects(), ElementsAre("a", "b"));
  EXPECT_EQ(verdict("c"), "");
  EXPECT_THAT(texts("SELECT count(*) FROM {kinbox}.replays"), ElementsAre("0"));

  reprocessable_ = false;
  ReplayTrial careful({.consumer = replayed_spec(),
                       .options = options.dispatch,
                       .database = connect(),
                       .plan = plan()});
  careful.apply(records());
  const auto of_handler = careful.finish().by_handler.at("calling");
  EXPECT_EQ(of_handler.not_tried, 2);
  EXPECT_EQ(of_handler.succeeded, 2);
}

TEST_P(PlannedReplay, TheSurveyCountsAndChangesNothing) {
  handle = [this](const Event& event, Transaction& tx) {
    if (event.id() == "d") throw PermanentError("a bug");
    insert_effect(event, tx);
  };
  process({"a", "b", "d", "c", "u"});
  send(p0, "x", "k", "Unheard");
  log.append_json(p0, "no json");
  run_until_idle({p0});
  forget("c");
  forget("a");
  auto planned = plan();
  planned.partitions[0].trusted_from = 1;
  const HandlerRegistry handlers(replayed_spec().handlers, database().dialect());
  const auto consumer = replayed_spec();
  planned.filter.event_ids = {"a", "b", "c", "d", "x"};
  const ReplayEvents events({consumer.decoder, handlers, planned.filter});
  ReplaySurvey survey(planned, events, database());
  survey.take(records());
  survey.finish();
  EXPECT_EQ(planned.total(), (ReplayCounts{.in_range = 7,
                                           .outside = 1,
                                           .applied = 1,
                                           .dead = 1,
                                           .never_seen = 1,
                                           .unknown = 1,
                                           .undecodable = 1,
                                           .unhandled = 1}));
  EXPECT_EQ(planned.by_handler.at("calling").in_range, 4);
  EXPECT_THAT(planned.partitions[0].marks,
              ElementsAre(RecordMark::of(records().front()), RecordMark::of(records().back())));
}

TEST_P(PlannedReplay, ThePlanRemembersTheFirstAndTheLastRecordThatItRead) {
  process({"a", "b", "c"});
  const HandlerRegistry handlers(replayed_spec().handlers, database().dialect());
  const auto consumer = replayed_spec();
  auto planned = plan();
  const ReplayEvents events({consumer.decoder, handlers, {}});
  ReplaySurvey survey(planned, events, database());
  const auto all = records();
  for (const std::size_t portion : {0U, 1U, 2U}) {
    std::vector<Record> one;
    one.push_back(std::move(records().at(portion)));
    survey.take(std::move(one));
    survey.finish();
    EXPECT_EQ(planned.partitions[0].marks.size(), portion == 0 ? 1U : 2U);
    EXPECT_EQ(planned.partitions[0].marks.front(), RecordMark::of(all.front()));
    EXPECT_EQ(planned.partitions[0].marks.back(), RecordMark::of(all[portion]));
  }
}

TEST(ReplayPlanFile, ReadsWhatItWroteAndNothingElse) {
  ReplayPlan plan;
  plan.consumer = "orders";
  plan.mode = ReplayMode::kReprocess;
  plan.filter.keys = {"k", std::string("\xff\x00", 2)};
  plan.schema = {{"kinbox", 5}};
  plan.handlers = {{.name = "h", .event_types = {"*"}, .reprocessable = true}};
  plan.partitions.push_back({.slice = {{"t", 1}, 2, 3},
                             .topic_id = "id",
                             .marks = {{2, "sum"}},
                             .counts = {.in_range = 1}});
  plan.by_handler["h"].in_range = 1;
  const auto text = to_text(plan);
  EXPECT_EQ(read_plan(text), plan);
  auto edited = text;
  edited.replace(edited.find("\"end\": 3"), 8, "\"end\": 9");
  EXPECT_THAT([&] { read_plan(edited); }, ThrowsMessage<Error>(HasSubstr("was changed")));
  EXPECT_THAT([&] { read_plan("{}"); }, ThrowsMessage<Error>(HasSubstr("that is no plan")));
  EXPECT_THAT([&] { read_plan("bananas"); }, ThrowsMessage<Error>(HasSubstr("that is no plan")));
  const ReplayChoices choices{.mode = ReplayMode::kReprocess, .emit = true, .mail_revision = 3};
  const auto recorded = read_recorded_plan(to_text(plan, choices));
  EXPECT_EQ(recorded.plan, plan);
  EXPECT_EQ(recorded.choices, choices);
}

}  // namespace
}  // namespace kinbox::testing
