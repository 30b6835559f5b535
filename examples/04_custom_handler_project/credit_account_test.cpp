// How to test a handler: the real loop, a log in memory, a database in a file of the test's own.
#include "credit_account.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <kinbox/migrations.hpp>
#include <kinbox/sqlite/database.hpp>
#include <kinbox/testing/scripted_log.hpp>
#include <kinbox/worker.hpp>

namespace bank {
namespace {

const kinbox::TopicPartition kPayments{"payments.captured", 0};

std::string payment(const std::string& id, int cents) {
  return R"({"eventId": ")" + id + R"(", "eventType": "PAYMENT_CAPTURED", "account": "a-1", )" +
         R"("cents": )" + std::to_string(cents) + "}";
}

class CreditAccountTest : public ::testing::Test {
 protected:
  CreditAccountTest() : database_(kinbox::sqlite::open({.path = file_.string()})) {
    kinbox::SchemaMigrator(*database_, {kinbox::kinbox_component(),
                                        {credit_account().name, credit_account().migrations}})
        .up();
  }
  ~CreditAccountTest() override { std::filesystem::remove_all(file_.parent_path()); }

  /// Consumes all that the log holds, as a consumer that was just started.
  void consume() {
    auto member = log_.member();
    member->assign({kPayments});
    kinbox::ConsumerSpec consumer{.name = "bank",
                                  .group = "bank",
                                  .topics = {kPayments.topic},
                                  .handlers = {{credit_account()}},
                                  .decoder = kinbox::EventDecoder()};
    kinbox::Worker worker(std::move(consumer), {}, std::move(member),
                          kinbox::sqlite::open({.path = file_.string()}), observer_);
    worker.run({.idle = true}, std::chrono::seconds{10});
  }

  std::int64_t number(const char* sql) {
    return database_->begin()->query(sql)[0].get<std::int64_t>(0);
  }

  static std::filesystem::path new_file() {
    auto folder = (std::filesystem::temp_directory_path() / "bank-XXXXXX").string();
    if (mkdtemp(folder.data()) == nullptr) throw std::runtime_error("no temporary directory");
    return std::filesystem::path(folder) / "bank.db";
  }

  const std::filesystem::path file_ = new_file();
  std::unique_ptr<kinbox::Database> database_;
  kinbox::testing::ScriptedLog log_;
  kinbox::Observer observer_;
};

TEST_F(CreditAccountTest, APaymentThatArrivesTwiceIsCreditedOnce) {
  log_.append_json(kPayments, payment("e-1", 1250));
  log_.append_json(kPayments, payment("e-1", 1250));
  log_.append_json(kPayments, payment("e-2", 50));
  consume();
  EXPECT_EQ(number("SELECT cents FROM balances WHERE account = 'a-1'"), 1300);
}

TEST_F(CreditAccountTest, EachCreditIsToldOnce) {
  log_.append_json(kPayments, payment("e-1", 1250));
  log_.append_json(kPayments, payment("e-1", 1250));
  log_.append_json(kPayments, payment("e-2", 50));
  consume();
  EXPECT_EQ(number("SELECT count(*) FROM outbox WHERE topic = 'accounts.credited'"), 2);
}

TEST_F(CreditAccountTest, AnAmountThatIsNotPositiveIsADeadLetter) {
  log_.append_json(kPayments, payment("e-1", 0));
  consume();
  EXPECT_EQ(number("SELECT count(*) FROM balances"), 0);
  EXPECT_EQ(number("SELECT count(*) FROM dead_letters WHERE error_code = 'bad_amount'"), 1);
}

}  // namespace
}  // namespace bank
