// What `kinbox replay` says and refuses before it asks Kafka anything.
#include <gmock/gmock.h>

#include <fstream>

#include "cli/replay/pace.hpp"
#include "cli/replay/plan_text.hpp"
#include "cli/replay/progress_line.hpp"
#include "cli/replay/replay_world.hpp"
#include "core/replay/replay_rows.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/sqlite/database.hpp"
#include "support/in_process_cli.hpp"
#include "support/temporary_directory.hpp"

namespace kinbox::cli {
namespace {

using namespace std::chrono_literals;
using kinbox::testing::CliResult;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::ThrowsMessage;

ReplayPlan small_plan(ReplayMode mode = ReplayMode::kFill) {
  ReplayPlan plan;
  plan.consumer = "orders";
  plan.cluster = "c";
  plan.created = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  plan.mode = mode;
  plan.schema = {{"kinbox", 5}};
  plan.handlers = {{.name = "h", .event_types = {"*"}, .reprocessable = true}};
  ReplayPlan::Partition partition;
  partition.slice = {{"orders", 0}, 10, 20};
  partition.topic_id = "t";
  partition.trusted_from = 10;
  partition.counts = {
      .in_range = 10, .applied = 4, .dead = 2, .parked = 1, .never_seen = 1, .unknown = 2};
  plan.partitions.push_back(partition);
  return plan;
}

ReplayWorld small_world() {
  ReplayWorld world;
  world.cluster = "c";
  world.schema = {{"kinbox", 5}};
  world.handlers = small_plan().handlers;
  world.partitions[{"orders", 0}] = {
      .topic_id = "t", .log = {.start = 5, .end = 40}, .live_position = 30, .trusted_from = 10};
  return world;
}

TEST(ReplayWorld, ThatOfThePlanIsGoodEnough) {
  EXPECT_NO_THROW(require_same_world(small_plan(), small_world()));
}

TEST(ReplayWorld, EveryChangeIsNamed) {
  const auto refusal = [](auto change) {
    auto world = small_world();
    change(world);
    try {
      require_same_world(small_plan(), world);
    } catch (const RefusedError& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  EXPECT_THAT(refusal([](auto& w) { w.cluster = "d"; }),
              AllOf(HasSubstr("cluster \"c\", this is \"d\""), HasSubstr("plan again")));
  EXPECT_THAT(refusal([](auto& w) { w.schema["kinbox"] = 6; }), HasSubstr("schema"));
  EXPECT_THAT(refusal([](auto& w) { w.handlers[0].reprocessable = false; }),
              HasSubstr("other handlers"));
  const TopicPartition partition{"orders", 0};
  EXPECT_THAT(refusal([&](auto& w) { w.partitions.erase(partition); }),
              HasSubstr("orders/0 has no position"));
  EXPECT_THAT(refusal([&](auto& w) { w.partitions[partition].topic_id = "u"; }),
              HasSubstr("created anew"));
  EXPECT_THAT(refusal([&](auto& w) { w.partitions[partition].log.start = 12; }),
              HasSubstr("deleted orders/0 up to 12"));
  EXPECT_THAT(refusal([&](auto& w) { w.partitions[partition].log.end = 19; }),
              HasSubstr("orders/0 ends at 19, the plan at 20: its topic was deleted"));
  EXPECT_THAT(refusal([&](auto& w) { w.partitions[partition].live_position = 19; }),
              HasSubstr("position in orders/0 is 19"));
  EXPECT_THAT(refusal([&](auto& w) { w.partitions[partition].trusted_from = 11; }),
              HasSubstr("pruned"));
}

TEST(PlanText, SaysWhatItWouldDoAndWhatNot) {
  const auto plan = small_plan();
  EXPECT_EQ(sentence_of(plan, {}),
            "About to run, if they have no verdict yet, up to 1 event of consumer orders from 1 "
            "partition.");
  EXPECT_THAT(sentence_of(plan, {.treat_as_new = true}), HasSubstr("3 events"));
  EXPECT_THAT(sentence_of(plan, {.mode = ReplayMode::kReprocess, .include_dead = true}),
              AllOf(HasSubstr("7 events"), HasSubstr("hold these partitions")));
  EXPECT_THAT(sentence_of(plan, {.mode = ReplayMode::kReprocess, .beside_live = true}),
              HasSubstr("beside its live workers"));
  EXPECT_THAT(warnings_of(plan, {}), AllOf(HasSubstr("2 events without a verdict"),
                                           HasSubstr("1 event wait in parked_events"),
                                           HasSubstr("2 events are dead letters")));
  EXPECT_THAT(warnings_of(plan, {.treat_as_new = true}), HasSubstr("may be doubled"));
  EXPECT_THAT(warnings_of(plan, {.mode = ReplayMode::kTrial}), Not(HasSubstr("are dead letters")));
  auto gone = plan;
  gone.partitions[0].gone = 7;
  EXPECT_THAT(warnings_of(gone, {}), HasSubstr("7 offsets of the range are gone"));
}

TEST(ReplayPace, KeepsTheRateAndSavesASecondAtMost) {
  const Pace::TimePoint start{1h};
  Pace pace(100, start);
  EXPECT_EQ(pace.portion(2'000), 100U);
  EXPECT_EQ(pace.next(50, start), start + 500ms);
  EXPECT_EQ(pace.next(50, start + 500ms), start + 1s);
  // An hour of silence is not made up for.
  EXPECT_EQ(pace.next(100, start + 1h), start + 1h);
  EXPECT_EQ(Pace(std::nullopt, start).next(1'000'000, start), start);
  EXPECT_EQ(Pace(0.5, start).portion(2'000), 1U);
}

TEST(ReplayProgressLine, SaysHowFarAndHowLong) {
  ReplayPosition before;
  before.all = 1'000;
  auto now = before;
  now.done = 250;
  now.applied = 200;
  now.dead = 1;
  EXPECT_EQ(progress_text(before, now, 5s, 0),
            " 25.0 %  250 of 1000 offsets  50/s  ETA 00:00:15  applied 200, known 0, dead 1, left "
            "alone 0");
  EXPECT_THAT(progress_text(before, now, 5s, 8), HasSubstr("[##......] "));
  EXPECT_THAT(progress_text(ReplayPosition(), ReplayPosition(), 0s, 4),
              HasSubstr("[####] 100.0 %"));
}

TEST(ReplayProgressLine, RedrawsOnATerminalOnly) {
  ReplayPosition now;
  now.all = 10;
  std::ostringstream file;
  ProgressLine slow(file, false);
  const ProgressLine::TimePoint start{1h};
  slow.show(now, start);
  slow.show(now, start + 9s);
  EXPECT_THAT(file.str(), IsEmpty());
  slow.show(now, start + 10s);
  slow.end(now, start + 11s);
  EXPECT_EQ(std::ranges::count(file.str(), '\n'), 2);
  std::ostringstream terminal;
  ProgressLine quick(terminal, true);
  quick.show(now, start);
  quick.show(now, start + 1s);
  quick.end(now, start + 2s);
  EXPECT_EQ(std::ranges::count(terminal.str(), '\r'), 3);
  EXPECT_EQ(std::ranges::count(terminal.str(), '\n'), 1);
}

class CliReplay : public ::testing::Test {
 protected:
  void SetUp() override {
    std::ofstream(config_) << "kafka: {bootstrap.servers: '127.0.0.1:1'}\n"
                           << "database: {sqlite: k.db}\n"
                           << "consumers: [{name: orders, topics: [orders], handlers: [h]}]\n";
    ASSERT_EQ(run({"migrate", "up"}).exit_code, 0);
  }

  CliResult run(std::vector<std::string> arguments) {
    HandlerSpec spec;
    spec.name = "h";
    spec.event_types = {"*"};
    spec.make = [](const HandlerContext&) -> std::unique_ptr<Handler> { return nullptr; };
    spec.traits.reprocessable = true;
    arguments.insert(arguments.end(), {"-c", config_.string()});
    return kinbox::testing::run_cli(arguments, {spec});
  }

  std::string write(const std::string& text) {
    const auto file = (directory_ / "plan.json").string();
    std::ofstream(file) << text;
    return file;
  }

  std::int64_t record() {
    const auto database = sqlite::open({.path = (directory_ / "k.db").string()});
    const auto tx = database->begin();
    tx->execute("INSERT INTO consumers (name, group_id) VALUES ('orders', 'orders')");
    tx->execute(
        "INSERT INTO consumer_progress (consumer, topic, partition, first_offset, next_offset, "
        "applied) VALUES ('orders', 'orders', 0, 0, 30, 30)");
    const auto plan = small_plan(ReplayMode::kReprocess);
    const ReplayChoices choices{.mode = ReplayMode::kReprocess};
    NewReplay fresh{.consumer = "orders",
                    .choices = choices,
                    .plan_hash = hash_of(plan),
                    .plan = to_text(plan, choices),
                    .who = "me",
                    .audit_id = 0,
                    .pieces = {}};
    fresh.pieces.push_back({plan.partitions[0].slice, "t", false});
    const auto id = ReplayRows(database->dialect()).record(*tx, fresh);
    tx->commit();
    return id;
  }
  std::int64_t held() {
    const auto database = sqlite::open({.path = (directory_ / "k.db").string()});
    const auto tx = database->begin();
    return tx->query("SELECT count(*) FROM consumer_progress WHERE held_by IS NOT NULL")[0]
        .get<std::int64_t>(0);
  }

  kinbox::testing::TemporaryDirectory directory_;
  std::filesystem::path config_ = directory_ / "kinbox.yaml";
};

TEST_F(CliReplay, APlanThatIsNoneIsRefusedByName) {
  const auto refused = [&](const std::string& file, const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments{"replay", "apply", file};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto result = run(arguments);
    EXPECT_NE(result.exit_code, 0);
    return result.err;
  };
  EXPECT_THAT(refused("nowhere.json"), HasSubstr("cannot read the plan nowhere.json"));
  EXPECT_THAT(refused(write("bananas")), HasSubstr("plan.json: that is no plan"));
  auto edited = to_text(small_plan());
  edited.replace(edited.find("\"end\": 20"), 9, "\"end\": 99");
  EXPECT_THAT(refused(write(edited)), HasSubstr("was changed"));
  EXPECT_THAT(refused(write(to_text(small_plan())), {"--emit"}),
              HasSubstr("--mode reprocess; this one is fill"));
  EXPECT_THAT(refused(write(to_text(small_plan(ReplayMode::kReprocess))), {"--beside-live"}),
              HasSubstr("not declared order_independent: h"));
  auto old = small_plan();
  old.created -= 25h;
  EXPECT_THAT(refused(write(to_text(old))), HasSubstr("older than 1d (--max-age)"));
  auto foreign = small_plan();
  foreign.consumer = "nobody";
  EXPECT_THAT(refused(write(to_text(foreign))), HasSubstr("no consumer \"nobody\""));
}

TEST_F(CliReplay, PauseResumeAndCancelSayWhatThereIsToDo) {
  EXPECT_THAT(run({"replay", "pause", "7"}).err, HasSubstr("there is no replay 7"));
  EXPECT_THAT(run({"replay", "status", "7"}).err, HasSubstr("there is no replay 7"));
  const auto id = std::to_string(record());
  EXPECT_EQ(held(), 1);
  EXPECT_THAT(run({"replay", "status", "-o", "json"}).out, HasSubstr("\"running\""));
  EXPECT_THAT(run({"replay", "status", id}).out, HasSubstr("orders"));
  EXPECT_EQ(run({"replay", "pause", id, "--note", "lunch"}).exit_code, 0);
  EXPECT_THAT(run({"replay", "pause", id}).err, HasSubstr("is paused: there is nothing to pause"));
  EXPECT_THAT(run({"replay", "list"}).out, AllOf(HasSubstr("paused"), HasSubstr("lunch")));
  EXPECT_EQ(run({"replay", "cancel", id}).exit_code, 64) << "nobody was asked";
  EXPECT_EQ(run({"replay", "cancel", id, "--yes"}).exit_code, 0);
  EXPECT_EQ(held(), 0);
  EXPECT_THAT(run({"replay", "cancel", id, "--yes"}).err, HasSubstr("nothing to cancel"));
  EXPECT_THAT(run({"replay", "resume", id}).err, HasSubstr("nothing to resume"));
  EXPECT_THAT(run({"audit", "-o", "json"}).out,
              AllOf(HasSubstr("replay pause"), HasSubstr("replay cancel"), HasSubstr("lunch")));
}

}  // namespace
}  // namespace kinbox::cli
