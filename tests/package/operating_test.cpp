// The statements of docs/operating.md, in the situations they are meant for.
#include <gmock/gmock.h>

#include "package/code_block.hpp"
#include "support/pipeline.hpp"

namespace kinbox::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class OperatingPage : public Pipeline {
 protected:
  /// A block of the page, for this database.
  std::string page(const std::string& name) {
    auto text = named_block("docs/operating.md", name);
    constexpr std::string_view kSchema = "kinbox.";
    const std::string own = is_sqlite() ? "" : "{kinbox}.";
    for (auto at = text.find(kSchema); at != std::string::npos;
         at = text.find(kSchema, at + own.size()))
      text.replace(at, kSchema.size(), own);
    return sql(text);
  }
  void follow(const std::string& name) { script(page(name)); }
  Rows ask(const std::string& name) {
    auto text = page(name);
    text.erase(text.rfind(';'));
    return database().begin()->query(text);
  }

  std::vector<std::string> halts() {
    return texts("SELECT state_reason FROM {kinbox}.consumer_progress WHERE state = 'halted'");
  }
  void reject(const std::string& event_id) {
    handle = [this, event_id](const Event& event, Transaction& tx) {
      if (event.id() == event_id) throw PermanentError("no such account", "unknown_account");
      insert_effect(event, tx);
    };
  }
  void mend() {
    handle = [this](const Event& event, Transaction& tx) { insert_effect(event, tx); };
  }
};
KINBOX_FOR_ALL_DATABASES(OperatingPage);

TEST_P(OperatingPage, ShowsDeadLettersByCauseAndOneByOne) {
  reject("e-17");
  send(p0, "e-17");
  log.append_json(p0, "{broken");
  log.append_json(p0, "{broken");
  run_until_idle({p0});
  const auto causes = ask("dead letters by cause");
  ASSERT_EQ(causes.size(), 2U);
  EXPECT_EQ(causes[0].get<std::string>("reason"), "undecodable");
  EXPECT_EQ(causes[0].get<std::int64_t>("letters"), 2);
  EXPECT_EQ(causes[1].get<std::string>("error_code"), "unknown_account");
  const auto letters = ask("dead letters");
  ASSERT_EQ(letters.size(), 3U);
  EXPECT_EQ(letters[0].get<std::string>("event_id"), "e-17");
  EXPECT_EQ(letters[0].get<std::string>("error_text"), "no such account");
}

TEST_P(OperatingPage, ADeadEventThatIsPublishedAgainIsADuplicate) {
  reject("e-17");
  send(p0, "e-17");
  run_until_idle({p0});
  mend();
  send(p0, "e-17");
  run_until_idle({p0});
  EXPECT_THAT(effects(), IsEmpty());
  EXPECT_EQ(number(sql("SELECT seen_again FROM {kinbox}.dead_letters")), 1);
}

TEST_P(OperatingPage, AnAcceptedGapIsCountedAndThePartitionGoesOn) {
  log.append_gap(p0, 4199);
  send(p0, "before");
  run_until_idle({p0});
  log.append_gap(p0, 800);
  send(p0, "after");
  log.trim(p0, 5000);
  run_until_idle({p0});
  ASSERT_THAT(halts(), ElementsAre(HasSubstr("gap: orders.created/0 starts at offset 5000, our "
                                             "position is 4200")));
  run_until_idle({p0});
  EXPECT_THAT(halts(), ::testing::SizeIs(1));

  follow("accept the gap");
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("before", "after"));
  EXPECT_EQ(tally(p0), (Tally{.applied = 2, .gaps = 4999}));
}

TEST_P(OperatingPage, ANewTopicBeginsAnewAndItsOldEventsAreDuplicates) {
  send(p0, "e-1");
  log.append_json(p0, "{broken");
  send(p0, "e-3");
  run_until_idle({p0});
  // What was 4200 records long is three now.
  script(sql("UPDATE {kinbox}.consumer_progress SET gaps = 4197, next_offset = 4200"));
  run_until_idle({p0});
  ASSERT_THAT(halts(), ElementsAre(HasSubstr("truncated: orders.created/0 ends at offset 3, our "
                                             "position is 4200")));

  follow("begin with the new topic");
  send(p0, "e-4");
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("e-1", "e-3", "e-4"));
  EXPECT_EQ(tally(p0), (Tally{.applied = 1, .duplicates = 2, .dead = 1}));
  EXPECT_EQ(ask("dead letters").size(), 2U);
}

TEST_P(OperatingPage, ATopicWithAnotherIdHaltsUntilItIsBegunAnew) {
  send(p0, "e-1");
  run_until_idle({p0});
  log.recreate(p0.topic);
  send(p0, "e-2");
  send(p0, "e-3");
  run_until_idle({p0});
  ASSERT_THAT(halts(), ElementsAre(HasSubstr("recreated: topic \"orders.created\" was deleted")));

  follow("begin with the new topic");
  run_until_idle({p0});
  EXPECT_THAT(effects(), ElementsAre("e-1", "e-2", "e-3"));
  EXPECT_THAT(halts(), IsEmpty());
}

}  // namespace
}  // namespace kinbox::testing
