// The statements of docs/operating.md, in the situations they are meant for.
#include <gmock/gmock.h>

#include "package/code_block.hpp"
#include "support/pipeline.hpp"

namespace kinbox::testing {
namespace {

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
  Rows ask(const std::string& name) {
    auto text = page(name);
    text.erase(text.rfind(';'));
    return database().begin()->query(text);
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

}  // namespace
}  // namespace kinbox::testing
