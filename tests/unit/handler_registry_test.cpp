#include "kinbox/handler_registry.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kinbox/errors.hpp"

namespace kinbox {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

const Dialect kDialect(Backend::kSqlite, "main");

class DoesNothing final : public Handler {
 public:
  void handle(const Event&, Transaction&) override {}
};

HandlerUse use(std::string name, std::vector<std::string> types) {
  return {.spec = {.name = std::move(name),
                   .event_types = std::move(types),
                   .make = [](const HandlerContext&) { return std::make_unique<DoesNothing>(); }}};
}

std::string refusal(std::vector<HandlerUse> uses) {
  try {
    HandlerRegistry(std::move(uses), kDialect);
  } catch (const ConfigurationError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(HandlerRegistry, FindsWhoTakesAType) {
  const HandlerRegistry registry({use("a", {"A", "A2"}), use("b", {"B"})}, kDialect);
  EXPECT_EQ(registry.find("A")->name, "a");
  EXPECT_EQ(registry.find("A2")->name, "a");
  EXPECT_EQ(registry.find("B")->name, "b");
  EXPECT_EQ(registry.find("C"), nullptr);
  EXPECT_NE(registry.find("A")->handler, nullptr);
}

TEST(HandlerRegistry, GivesTheRestToAStar) {
  const HandlerRegistry registry({use("rest", {"*"}), use("a", {"A"})}, kDialect);
  EXPECT_EQ(registry.find("A")->name, "a");
  EXPECT_EQ(registry.find("anything")->name, "rest");
}

TEST(HandlerRegistry, MakesItsOwnHandlersWithDialectAndSettings) {
  HandlerContext seen{kDialect, {}};
  auto with_setting = use("a", {"A"});
  with_setting.spec.setting_names = {"recipient.pointer"};
  with_setting.settings = {{"recipient.pointer", "/x"}};
  with_setting.spec.traits.reprocessable = true;
  with_setting.spec.make = [&](const HandlerContext& context) {
    seen = context;
    return std::make_unique<DoesNothing>();
  };
  const HandlerRegistry registry({with_setting}, Dialect(Backend::kPostgres, "inbox"));
  EXPECT_EQ(seen.dialect.schema(), "inbox");
  EXPECT_EQ(seen.settings.at("recipient.pointer"), "/x");
  EXPECT_TRUE(registry.find("A")->traits.reprocessable);
}

TEST(HandlerRegistry, RefusesTwoClaimantsOfOneType) {
  EXPECT_THAT(refusal({use("a", {"A"}), use("b", {"B", "A"})}),
              AllOf(HasSubstr("handler \"b\""), HasSubstr("\"A\""), HasSubstr("handler \"a\"")));
  EXPECT_THAT(refusal({use("a", {"*"}), use("b", {"*"})}), HasSubstr("\"*\""));
}

TEST(HandlerRegistry, RefusesANameThatStandsTwice) {
  EXPECT_THAT(refusal({use("a", {"A"}), use("a", {"B"})}), HasSubstr("\"a\": stands twice"));
}

TEST(HandlerRegistry, RefusesASpecThatCannotRun) {
  EXPECT_THAT(refusal({use("a", {})}), HasSubstr("takes no event type"));
  auto no_factory = use("a", {"A"});
  no_factory.spec.make = nullptr;
  EXPECT_THAT(refusal({no_factory}), HasSubstr("has no factory"));
  auto makes_nothing = use("a", {"A"});
  makes_nothing.spec.make = [](const HandlerContext&) { return std::unique_ptr<Handler>(); };
  EXPECT_THAT(refusal({makes_nothing}), HasSubstr("made nothing"));
}

TEST(HandlerRegistry, RefusesASettingTheHandlerDoesNotHave) {
  auto unknown = use("a", {"A"});
  unknown.settings = {{"recipent", "/x"}};
  EXPECT_THAT(refusal({unknown}), AllOf(HasSubstr("\"recipent\""), HasSubstr("it has: none")));
  unknown.spec.setting_names = {"recipient", "type"};
  EXPECT_THAT(refusal({unknown}), HasSubstr("it has: recipient, type"));
}

}  // namespace
}  // namespace kinbox
