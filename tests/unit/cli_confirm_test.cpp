#include <gmock/gmock.h>
#include <unistd.h>

#include <sstream>

#include "cli/audit/operator_name.hpp"
#include "cli/confirm.hpp"
#include "cli/usage_error.hpp"

namespace kinbox::cli {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A command whose person types `answer`; without one there is no terminal.
class Confirm : public ::testing::Test {
 protected:
  void answers(std::optional<std::string> answer) {
    invocation_.ask = [this, answer](const std::string& question) {
      asked_ = question;
      return answer;
    };
  }
  std::string refusal(const std::function<void()>& call) {
    try {
      call();
    } catch (const UsageError& e) {
      return e.what();
    }
    return "(accepted)";
  }

  std::ostringstream out_;
  std::ostringstream err_;
  Invocation invocation_{{out_, err_}, {}, {}, "kinbox", {}, {}, {}, {}};
  std::string asked_;
};

TEST_F(Confirm, OnlyYesIsYes) {
  for (const auto* yes : {"y", "yes"}) {
    answers(yes);
    EXPECT_TRUE(agreed(invocation_, "Retry 812 letters?", false));
  }
  EXPECT_EQ(asked_, "Retry 812 letters? [y/N] ");
  for (const auto& no : std::vector<std::optional<std::string>>{"", "n", "Yes!", std::nullopt}) {
    answers(no);
    EXPECT_FALSE(agreed(invocation_, "Retry 812 letters?", false));
  }
  EXPECT_THAT(err_.str(), HasSubstr("nothing was changed"));
}

TEST_F(Confirm, WhoSaidYesOnTheLineIsNotAsked) {
  answers("n");
  EXPECT_TRUE(agreed(invocation_, "Retry?", true));
  EXPECT_THAT(asked_, IsEmpty());
}

TEST_F(Confirm, WithoutATerminalTheLineMustSayIt) {
  EXPECT_THAT(refusal([&] { agreed(invocation_, "Retry?", false); }), HasSubstr("--yes"));
  EXPECT_TRUE(agreed(invocation_, "Retry?", true));
  EXPECT_THAT(refusal([&] { agreed_by_name(invocation_, "Purge?", "c-17", ""); }),
              HasSubstr("--confirm=c-17"));
}

TEST_F(Confirm, WhatCannotBeUndoneTakesItsName) {
  answers("c-17");
  EXPECT_TRUE(agreed_by_name(invocation_, "Purge?", "c-17", ""));
  EXPECT_EQ(asked_, "Purge? Type c-17 to go on: ");
  answers("y");
  EXPECT_FALSE(agreed_by_name(invocation_, "Purge?", "c-17", ""));
  EXPECT_TRUE(agreed_by_name(invocation_, "Purge?", "c-17", "c-17"));
  EXPECT_THAT(refusal([&] { agreed_by_name(invocation_, "Purge?", "c-17", "c-71"); }),
              HasSubstr("--confirm says \"c-71\""));
}

TEST(OperatorName, IsThatOfTheLineElseOfTheEnvironmentElseTheUsers) {
  const Environment environment{{"KINBOX_OPERATOR", "night shift"}};
  EXPECT_EQ(operator_name("zoe", environment), "zoe");
  EXPECT_EQ(operator_name("", environment), "night shift");
  char host[256] = {};
  ASSERT_EQ(::gethostname(host, sizeof host - 1), 0);
  EXPECT_THAT(operator_name("", {}), EndsWith(std::string("@") + host));
  EXPECT_EQ(operator_name("", {{"KINBOX_OPERATOR", ""}}), operator_name("", {}));
}

}  // namespace
}  // namespace kinbox::cli
