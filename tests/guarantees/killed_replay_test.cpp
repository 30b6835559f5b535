// After a bug fix: a handler did 20,000 events wrongly, the fixed one repairs what it did, in
// processes that are killed, on real Kafka and both databases.
#include <gmock/gmock.h>
#include <signal.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "support/eventually.hpp"
#include "support/kafka.hpp"
#include "support/kill_scene.hpp"
#include "support/temporary_directory.hpp"

namespace kinbox::testing {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using ::testing::HasSubstr;

constexpr auto kPatience = 90s;
constexpr auto kErr = ChildProcess::Stream::kErr;
constexpr int kOld = 20'000;
constexpr int kAccounts = 50;
constexpr int kKills = 20;

class KilledReplay : public KillScene {
 protected:
  void prepare() override {
    KillScene::prepare();
    const std::string integer = is_sqlite() ? "INTEGER" : "bigint";
    const std::string text = is_sqlite() ? "TEXT" : "text";
    const auto dialect = database().dialect();
    for (const auto* table : {"ledger", "ledger_shadow"})
      script(dialect.render("CREATE TABLE {kinbox}." + std::string(table) + " (account " + text +
                            " PRIMARY KEY, total " + integer + ", last " + integer + ", digest " +
                            integer + ")"));
    script(dialect.render("CREATE TABLE {kinbox}.counter (n " + integer + " PRIMARY KEY, amount " +
                          integer + ")"));
    configure();
  }

  void configure(const std::string& handler = "ledger") {
    std::ofstream out(config_);
    out << services_config() << "outbox: {relay: none}\nconsumers:\n"
        << "  - {name: books, group: " << group << ", topics: [" << topic << "], handlers: ["
        << handler << "], dlq_topic: none, max_batch: 50}\n"
        << "  - {name: shadow, group: " << group << "-shadow, topics: [" << topic
        << "], dlq_topic: none, handlers: [{name: ledger, settings: {table: ledger_shadow}}]}\n";
  }

  /// Entries `first` to `last`, without it.
  void send(int first, int last) {
    std::vector<OwnedRecord> records;
    for (int n = first; n < last; ++n) {
      const int account = n % kAccounts;
      const auto name = "a" + std::to_string(account);
      auto record = text_record(topic, account % partitions,
                                json{{"eventId", "e" + std::to_string(n)},
                                     {"eventType", "Entry"},
                                     {"account", name},
                                     {"amount", n % 9},
                                     {"n", n}}
                                    .dump());
      record.key = name;
      records.push_back(std::move(record));
    }
    produce(KafkaService::get().brokers(), records);
  }

  std::unique_ptr<ChildProcess> start(std::vector<std::string> arguments, bool bug = false) {
    arguments.insert(arguments.begin(), KINBOX_BINARY_DIR "/tests/kinbox_test_ledger");
    arguments.insert(arguments.end(), {"--config", config_.string()});
    return std::make_unique<ChildProcess>(
        arguments, ChildOptions{.environment = {{"LEDGER_BUG", bug ? "1" : "0"}}});
  }
  /// Its exit code; what it said is in said_ and out_.
  int run(std::vector<std::string> arguments, bool bug = false) {
    const auto child = start(std::move(arguments), bug);
    const auto status = child->wait_for(kPatience);
    said_ = child->output(kErr);
    out_ = child->output();
    return status && status->code ? *status->code : -1;
  }
  void consume(const std::string& consumer, bool bug = false) {
    ASSERT_EQ(run({"run", "--until-idle", "--consumer", consumer}, bug), 0) << said_;
  }

  std::int64_t replayed() {
    return number(
        "SELECT CAST(coalesce(sum(next_offset - begin_offset), 0) AS BIGINT) "
        "FROM {kinbox}.replay_progress");
  }
  std::int64_t open_replays() {
    return number("SELECT count(*) FROM {kinbox}.replays WHERE state <> 'done'");
  }

  /// Applies the plan, in processes that are killed whenever they got a little further.
  int apply_in_killed_processes(const std::vector<std::string>& apply) {
    int kills = 0;
    // Not so fast that it is done before it was seen.
    auto slowly = apply;
    slowly.insert(slowly.end(), {"--rate", "900/s"});
    while (kills < kKills) {
      const auto before = replayed();
      const auto child = start(slowly);
      const bool further =
          eventually([&] { return replayed() >= before + kOld / (2 * kKills); }, 60s);
      EXPECT_TRUE(further) << child->output(kErr);
      if (!further) return kills;
      child->signal(SIGKILL);
      EXPECT_TRUE(child->wait_for(kPatience).has_value());
      ++kills;
    }
    EXPECT_EQ(run(apply), 0) << said_;
    return kills;
  }

  struct Account {
    std::int64_t total = 0;
    std::int64_t last = 0;
    std::int64_t digest = 0;
    bool operator==(const Account&) const = default;
  };
  using Accounts = std::map<std::string, Account>;

  /// What a run of the fixed handler over entries 0 to `last` leaves.
  static Accounts expected(int last) {
    Accounts accounts;
    for (int n = 0; n < last; ++n) {
      auto& account = accounts["a" + std::to_string(n % kAccounts)];
      account.digest = account.total == 0 && account.last == 0 && n < kAccounts
                           ? n
                           : (account.digest * 31 + n) % 1'000'000'007;
      account.total += n % 9;
      account.last = n;
    }
    return accounts;
  }
  Accounts ledger(const std::string& table = "ledger") {
    Accounts accounts;
    const auto tx = database().begin();
    for (const auto row : tx->query(database().dialect().render(
             "SELECT account, total, last, digest FROM {kinbox}." + table)))
      accounts[row.get<std::string>(0)] = {row.get<std::int64_t>(1), row.get<std::int64_t>(2),
                                           row.get<std::int64_t>(3)};
    return accounts;
  }

  TemporaryDirectory directory_;
  std::filesystem::path config_ = directory_ / "kinbox.yaml";
  std::string plan_ = (directory_ / "plan.json").string();
  std::string said_;
  std::string out_;
};
KINBOX_FOR_ALL_DATABASES(KilledReplay);

TEST_P(KilledReplay, TrialAndReprocessRepairWhatABugDid) {
  send(0, kOld);
  consume("books", /*bug=*/true);
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.dead_letters"), kOld / 50);
  EXPECT_NE(ledger(), expected(kOld));
  const auto mails = number("SELECT count(*) FROM {kinbox}.email_outbox");
  const auto emitted = number("SELECT count(*) FROM {kinbox}.outbox");

  // The program as it was says what is wrong with it; the fixed one that it would do.
  const std::vector<std::string> trial{"replay", "plan",   "--consumer", "books",        "--mode",
                                       "trial",  "--file", plan_,        "--to-earliest"};
  ASSERT_EQ(run(trial), 0) << said_;
  EXPECT_EQ(run({"replay", "apply", plan_, "-o", "json"}, /*bug=*/true), 2) << said_;
  EXPECT_THAT(out_, HasSubstr("ledger_bug"));
  ASSERT_EQ(run({"replay", "apply", plan_, "-o", "json"}), 0) << said_;
  EXPECT_EQ(json::parse(out_)[0]["events"], kOld);
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.replays"), 0);

  // While it is repaired new events come, and live workers of the fixed program are there.
  const auto live = start({"run", "--consumer", "books"});
  ASSERT_EQ(run({"replay", "plan", "--consumer", "books", "--mode", "reprocess", "--to-earliest",
                 "--file", plan_}),
            0)
      << said_;
  EXPECT_THAT(out_, HasSubstr(std::to_string(kOld - kOld / 50)));
  send(kOld, kOld + 500);
  EXPECT_EQ(
      apply_in_killed_processes({"replay", "apply", plan_, "--include-dead", "--confirm=books"}),
      kKills);
  send(kOld + 500, kOld + 1'000);
  EXPECT_TRUE(eventually([&] { return ledger() == expected(kOld + 1'000); }, kPatience))
      << live->output(kErr);
  live->signal(SIGTERM);
  live->wait_for(kPatience);

  EXPECT_EQ(open_replays(), 0);
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.consumer_progress WHERE held_by IS NOT NULL"), 0);
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.dead_letters WHERE state <> 'resolved'"), 0);
  EXPECT_EQ(number("SELECT CAST(sum(applied) AS BIGINT) FROM {kinbox}.consumer_progress"),
            kOld + 1'000);
  // One for each hundredth event, also for the new ones; none twice. Of those that had died, and
  // ran for the first time, none is a hundredth.
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.email_outbox"), mails + 10);
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.outbox"), emitted + 100);
}

TEST_P(KilledReplay, BesideLiveForWhatCommutes) {
  configure("counter");
  send(0, kOld);
  consume("books", /*bug=*/true);
  const auto live = start({"run", "--consumer", "books"});
  ASSERT_EQ(run({"replay", "plan", "--consumer", "books", "--mode", "reprocess", "--to-earliest",
                 "--file", plan_}),
            0)
      << said_;
  const auto apply = start({"replay", "apply", plan_, "--beside-live", "--confirm=books"});
  send(kOld, kOld + 1'000);
  EXPECT_EQ(apply->wait_for(kPatience), (ExitStatus{.code = 0, .signal = {}}))
      << apply->output(kErr);
  std::int64_t sum = 0;
  for (int n = 0; n < kOld + 1'000; ++n) sum += n % 9;
  EXPECT_TRUE(eventually(
      [&] { return number("SELECT CAST(sum(amount) AS BIGINT) FROM {kinbox}.counter") == sum; },
      kPatience))
      << live->output(kErr);
  live->signal(SIGTERM);
  live->wait_for(kPatience);
  EXPECT_EQ(number("SELECT count(*) FROM {kinbox}.counter"), kOld + 1'000);

  configure("ledger");
  ASSERT_EQ(run({"replay", "plan", "--consumer", "books", "--mode", "reprocess", "--to-earliest",
                 "--file", plan_}),
            0)
      << said_;
  EXPECT_EQ(run({"replay", "apply", plan_, "--beside-live", "--confirm=books"}), 64);
  EXPECT_THAT(said_, HasSubstr("not declared order_independent: ledger"));
}

TEST_P(KilledReplay, AShadowBuildsTheStateAnewBesideTheOldOne) {
  send(0, 2'000);
  consume("books", /*bug=*/true);
  const auto broken = ledger();
  consume("shadow");
  EXPECT_EQ(ledger("ledger_shadow"), expected(2'000));
  EXPECT_EQ(ledger(), broken);
}

}  // namespace
}  // namespace kinbox::testing
