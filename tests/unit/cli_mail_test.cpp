#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "kinbox/email_outbox.hpp"
#include "support/desk_cli.hpp"

namespace kinbox::cli {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class CliMail : public kinbox::testing::DeskCli {
 protected:
  json answer(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "mail");
    return DeskCli::answer(std::move(arguments));
  }

  /// Mail 1 failed, 2 is pending, 3 sent, 4 of unknown fate; 4 of type order_shipped.
  void fill() {
    const auto opened = database();
    const auto tx = opened->begin();
    const EmailOutbox outbox(opened->dialect(), "shop.example");
    for (const auto* order : {"o-1", "o-2", "o-3", "o-4"})
      outbox.enqueue(*tx, {.type = order == std::string("o-4") ? "order_shipped" : "order_created",
                           .order_id = order,
                           .recipient = "zoe@example.com",
                           .payload = R"({"a":1})"});
    tx->commit();
    sql("UPDATE email_outbox SET state = 'failed', attempts = 3, last_error = '550 no such user', "
        "provider_reply = '550 no such user', lease_token = 'x' WHERE id = 1;"
        "UPDATE email_outbox SET state = 'sent', sent_at = created_at WHERE id = 3;"
        "UPDATE email_outbox SET state = 'unknown', attempts = 1, last_error = 'no answer' "
        "WHERE id = 4");
  }

  void somebody_sends(const std::string& trouble = "") {
    sql("INSERT OR REPLACE INTO email_senders (sender, target, trouble, seen_until) "
        "VALUES ('s', 'smtp://mail.example.com', '" +
        trouble + "', '2999-01-01T00:00:00Z')");
  }

  static std::vector<std::int64_t> ids(const json& rows, const char* column = "id") {
    std::vector<std::int64_t> found;
    for (const auto& row : rows) found.push_back(row[column]);
    return found;
  }

  json mail(int id) {
    for (auto& row : answer({"list", "--state", "all"}))
      if (row["id"] == id) return row;
    return {};
  }
  std::string state(int id) { return mail(id)["state"]; }
};

TEST_F(CliMail, StatusCountsByTypeAndState) {
  fill();
  somebody_sends();
  const auto rows = answer({"status"});
  ASSERT_THAT(rows, SizeIs(2));
  EXPECT_EQ(rows[0]["type"], "order_created");
  EXPECT_EQ(rows[0]["pending"], 1);
  EXPECT_EQ(rows[0]["failed"], 1);
  EXPECT_EQ(rows[0]["sent"], 1);
  EXPECT_NE(rows[0]["oldest_pending"], nullptr);
  EXPECT_EQ(rows[0]["last_error"], "550 no such user");
  EXPECT_EQ(rows[1]["unknown"], 1);
  EXPECT_EQ(rows[1]["oldest_pending"], nullptr);
  sql("UPDATE email_outbox SET state = 'sending' WHERE id = 2;"
      "UPDATE email_outbox SET state = 'discarded' WHERE id = 1");
  EXPECT_EQ(answer({"status"})[0]["sending"], 1);
  EXPECT_EQ(answer({"status"})[0]["discarded"], 1);
}

TEST_F(CliMail, CheckFindsWhatFailedWhatIsHeldAndWhatCannotBeSent) {
  EXPECT_EQ(run({"mail", "status", "--check"}).exit_code, 0) << "there is nothing";
  fill();
  somebody_sends();
  EXPECT_EQ(run({"mail", "status", "--check"}).exit_code, 2) << "one failed";
  EXPECT_EQ(run({"mail", "status"}).exit_code, 0);
  sql("UPDATE email_outbox SET state = 'sent' WHERE id = 1");
  EXPECT_EQ(run({"mail", "status", "--check"}).exit_code, 0) << "the unknown one is sent again";
  sql("UPDATE email_outbox SET attempts = 20 WHERE id = 4");
  const auto often = run({"mail", "status", "--check"});
  EXPECT_EQ(often.exit_code, 2) << "but not for ever";
  EXPECT_THAT(often.err, HasSubstr("1 mails may have arrived or not"));
}

TEST_F(CliMail, CheckKnowsThePolicyForWhatIsUnknown) {
  fill();
  somebody_sends();
  sql("UPDATE email_outbox SET state = 'sent' WHERE id = 1");
  configure("email: {transport: 'file:out', from: a@b, on_unknown: hold}\n");
  EXPECT_EQ(run({"mail", "status", "--check"}).exit_code, 2);
  configure("email: {transport: 'file:out', from: a@b, on_unknown: resend}\n");
  EXPECT_EQ(run({"mail", "status", "--check"}).exit_code, 0);
}

TEST_F(CliMail, StatusSaysThatNobodySendsOrWhatKeepsASender) {
  fill();
  sql("UPDATE email_outbox SET state = 'sent' WHERE id IN (1, 4)");
  const auto nobody = run({"mail", "status", "--check"});
  EXPECT_EQ(nobody.exit_code, 2);
  EXPECT_THAT(nobody.err, HasSubstr("1 mails wait, and nobody sends"));
  somebody_sends("Connection refused");
  const auto stuck = run({"mail", "status", "--check"});
  EXPECT_EQ(stuck.exit_code, 2);
  EXPECT_THAT(stuck.err, AllOf(HasSubstr("smtp://mail.example.com: Connection refused"),
                               Not(HasSubstr("nobody"))));
  somebody_sends();
  EXPECT_EQ(run({"mail", "status", "--check"}).exit_code, 0);
  sql("UPDATE email_senders SET seen_until = '2000-01-01T00:00:00Z'");
  EXPECT_EQ(run({"mail", "status", "--check"}).exit_code, 2) << "it ended without a word";
}

TEST_F(CliMail, ListShowsWhatIsNotDoneUnlessToldOtherwise) {
  fill();
  EXPECT_THAT(ids(answer({"list"})), ElementsAre(1, 2, 4));
  EXPECT_THAT(ids(answer({"list", "--state", "unknown"})), ElementsAre(4));
  EXPECT_THAT(ids(answer({"list", "--state", "all"})), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(ids(answer({"list", "--type", "order_created"})), ElementsAre(1, 2));
  const auto row = answer({"list", "--state", "failed"})[0];
  EXPECT_EQ(row["order_id"], "o-1");
  EXPECT_EQ(row["recipient"], "zoe@example.com");
  EXPECT_EQ(row["message_id"], "<order_created.o-1.1@shop.example>");
  EXPECT_EQ(row["attempts"], 3);
  EXPECT_EQ(row["last_error"], "550 no such user");
}

TEST_F(CliMail, ListEndsAtItsLimitAndSaysSo) {
  fill();
  const auto result = run({"mail", "list", "--limit", "2", "-o", "json"});
  EXPECT_THAT(ids(json::parse(result.out)), ElementsAre(1, 2));
  EXPECT_THAT(result.err, HasSubstr("there may be more"));
  EXPECT_THAT(run({"mail", "list", "--limit", "20"}).err, IsEmpty());
}

TEST_F(CliMail, ShowTellsEverythingAboutAMail) {
  fill();
  std::map<std::string, json> facts;
  for (const auto& row : answer({"show", "1"})) facts[row["name"]] = row["value"];
  EXPECT_EQ(facts["state"], "failed");
  EXPECT_EQ(facts["provider_reply"], "550 no such user");
  EXPECT_EQ(facts["payload"], R"({"a":1})");
  EXPECT_EQ(facts["revision"], "1");
  EXPECT_EQ(facts["sent_at"], nullptr);
  const auto nothing = run({"mail", "show", "17"});
  EXPECT_EQ(nothing.exit_code, 1);
  EXPECT_THAT(nothing.err, HasSubstr("no mail 17"));
}

TEST_F(CliMail, RetryMakesMailsDueAsIfNobodyHadTried) {
  fill();
  EXPECT_THAT(ids(answer({"retry", "1", "4"}), "retried"), ElementsAre(1, 4));
  for (const int id : {1, 4}) {
    EXPECT_EQ(state(id), "pending");
    EXPECT_EQ(mail(id)["attempts"], 0);
  }
  const auto result = run({"mail", "retry", "2", "3", "99"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("row 2 is not retried"), HasSubstr("row 3 is not"),
                                HasSubstr("row 99"), HasSubstr("see kinbox mail show 99")));
  EXPECT_EQ(state(3), "sent");
}

TEST_F(CliMail, AllIsWhatFailedAndWhatMayHaveArrivedMustBeNamed) {
  fill();
  EXPECT_THAT(answer({"retry", "--all", "--type", "order_shipped"}), IsEmpty());
  EXPECT_THAT(ids(answer({"retry", "--all"}), "retried"), ElementsAre(1));
  EXPECT_EQ(state(4), "unknown");
  EXPECT_THAT(ids(answer({"retry", "--all", "--state", "unknown"}), "retried"), ElementsAre(4));
}

TEST_F(CliMail, DiscardTakesAlsoPendingOnesById) {
  fill();
  EXPECT_THAT(ids(answer({"discard", "--all"}), "discarded"), ElementsAre(1));
  EXPECT_EQ(state(2), "pending");
  EXPECT_THAT(ids(answer({"discard", "2", "4"}), "discarded"), ElementsAre(2, 4));
  sql("UPDATE email_outbox SET state = 'sending' WHERE id = 2");
  EXPECT_EQ(run({"mail", "discard", "2", "3"}).exit_code, 1);
  EXPECT_EQ(state(2), "sending") << "its content may be on its way";
  EXPECT_EQ(state(3), "sent");
}

TEST_F(CliMail, ALineThatMakesNoSenseIsUsage) {
  for (const auto& line :
       std::vector<std::vector<std::string>>{{"mail"},
                                             {"mail", "show"},
                                             {"mail", "list", "--state", "lost"},
                                             {"mail", "list", "--limit", "0"},
                                             {"mail", "retry"},
                                             {"mail", "retry", "1", "--all"},
                                             {"mail", "retry", "1", "--state", "failed"},
                                             {"mail", "retry", "--all", "--state", "sent"},
                                             {"mail", "discard", "1", "--type", "t"}})
    EXPECT_EQ(run(line).exit_code, 64) << ::testing::PrintToString(line);
}

TEST_F(CliMail, AMissingDatabaseIsUnavailableAndAnOldOneRefused) {
  sql("DELETE FROM schema_history WHERE version = 3");
  EXPECT_EQ(run({"mail", "status"}).exit_code, 3);
  std::filesystem::remove(database_file());
  EXPECT_EQ(run({"mail", "list"}).exit_code, 69);
}

}  // namespace
}  // namespace kinbox::cli
