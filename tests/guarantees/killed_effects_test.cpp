// Every effect of an order, through the shipped program and its shipped handlers, while its
// processes are killed: rows, outgoing events, replies, mails. PostgreSQL with real Kafka, SQLite
// with librdkafka's mock cluster; short here, long as `scripts/soak effects`.
#include <gmock/gmock.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "kinbox/kafka/admin.hpp"
#include "kinbox/kafka/mock_cluster.hpp"
#include "support/child_process.hpp"
#include "support/emitted_topic.hpp"
#include "support/eventually.hpp"
#include "support/kafka.hpp"
#include "support/services.hpp"
#include "support/shop.hpp"
#include "support/temporary_directory.hpp"
#include "support/test_database.hpp"
#include "support/unique_name.hpp"

namespace kinbox::testing {
namespace {

using namespace std::chrono_literals;

constexpr int kPartitions = 3;
constexpr int kBroken = 7;
constexpr std::array<const char*, 4> kShopHandlers{"inventory", "payment", "notification",
                                                   "analytics"};
constexpr auto kErr = ChildProcess::Stream::kErr;

int from_environment(const char* name, int otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::atoi(value);
}

class KilledEffects : public DatabaseContract {
 protected:
  void SetUp() override {
    if (!is_sqlite()) {
      KINBOX_REQUIRE_KAFKA();
    }
    DatabaseContract::SetUp();
  }

  void prepare() override {
    if (is_sqlite()) mock_ = std::make_unique<kafka::MockCluster>();
    for (const auto& topic : {created_, status_changed_, odd_, replies_, inventory_, payment_})
      create_topic(topic);
    for (const auto* kind : {"consumers", "relay", "sender"}) configure(kind);
  }

  std::string brokers() const {
    return mock_ ? mock_->bootstrap_servers() : KafkaService::get().brokers();
  }

  void create_topic(const std::string& name) {
    if (mock_) return mock_->create_topic(name, kPartitions);
    const kafka::Settings settings({{"bootstrap.servers", brokers()}});
    kafka::Admin(settings).create_topic({.name = name, .partitions = kPartitions});
  }

  std::string place() {
    if (is_sqlite()) return "{sqlite: " + home().place() + "}";
    return "{postgres: \"" + PostgresService::get().uri() + "\", schema: " + home().place() +
           ", migrate: auto}";
  }

  /// Of one kind of process: all have all consumers, and choose theirs by name.
  void configure(const std::string& kind) {
    const auto both = "[" + created_ + ", " + status_changed_ + "]";
    const auto consumer = [&](const std::string& name, const std::string& topics,
                              const std::string& handler, const std::string& more = "") {
      return "  - name: " + name + "\n    group: " + created_ + "." + name +
             "\n    topics: " + topics + "\n    handlers: [" + handler +
             "]\n    dlq_topic: none\n    unknown_types: skip\n" +
             // What waits for its order waits for as long as it takes.
             "    on_error: {retry: {max_attempts: 10000, first_delay: 20ms, max_delay: 200ms}}\n" +
             more;
    };
    std::ofstream out(configuration(kind));
    out << "kafka:\n";
    for (const auto& [key, value] : fast_settings(brokers()))
      out << "  " << key << ": '" << value << "'\n";
    out << "database: " << place() << "\nconsumers:\n"
        << consumer("view", "[" + created_ + ", " + odd_ + "]", "order_view",
                    "    reply: {to: " + replies_ + "}\n")
        << consumer("mail", both, "email_confirmation")
        << consumer("inventory", both, "{name: inventory, settings: {topic: " + inventory_ + "}}")
        << consumer("payment", both, "{name: payment, settings: {topic: " + payment_ + "}}")
        << consumer("notification", both, "notification")
        << consumer("analytics", both, "analytics") << "log: {level: error}\n"
        << "outbox: {relay: " << (kind == "relay" ? "run" : "none") << "}\n";
    if (kind == "sender")
      // A mail whose sender died waits for three times as long.
      out << "email: {transport: 'maildir:" << maildir().string()
          << "', from: shop@example.com, delivery_timeout: 1s, senders: " << (is_sqlite() ? 1 : 8)
          << ", "
          << "retry: {max_attempts: 1000, first_delay: 20ms, max_delay: 200ms}}\n";
  }

  std::filesystem::path maildir() const { return directory_.path() / "mails"; }

  std::string configuration(const std::string& kind) const {
    return (directory_.path() / (kind + ".yaml")).string();
  }

  std::unique_ptr<ChildProcess> kinbox(std::vector<std::string> arguments,
                                       const std::string& kind) {
    arguments.insert(arguments.begin(), KINBOX_BINARY_DIR "/kinbox");
    arguments.insert(arguments.end(), {"-c", configuration(kind)});
    return std::make_unique<ChildProcess>(arguments);
  }

  /// Stock suffices for most orders only.
  void open_the_shop() {
    const auto migration = kinbox({"migrate", "up"}, "relay");
    const auto status = migration->wait_for(30s);
    ASSERT_EQ(status, (ExitStatus{.code = 0, .signal = {}})) << migration->output(kErr);
    shop_.open(database());
    publish();
  }

  /// A tenth of the records comes twice, the second time by another partition.
  void publish() {
    std::vector<OwnedRecord> records;
    for (const auto& order : shop_.orders()) {
      add(records, created_, shop_.created(order));
      add(records, status_changed_, shop_.ended(order));
    }
    for (int n = 0; n < kBroken; ++n) {
      const auto id = "broken-" + std::to_string(n);
      add(records, odd_,
          text_record(odd_, 0, R"({"eventType":"ORDER_CREATED","eventId":")" + id + "\"}"));
    }
    produce(brokers(), records, {{"queue.buffering.max.messages", "1000000"}});
  }

  void add(std::vector<OwnedRecord>& records, const std::string& topic, OwnedRecord record) {
    const auto n = static_cast<int>(records.size());
    record.topic = topic;
    record.partition = n % kPartitions;
    ++published_[topic];
    records.push_back(record);
    if (n % 10 != 0) return;
    record.partition = (n + 1) % kPartitions;
    ++published_[topic];
    records.push_back(std::move(record));
  }

  // Kinds of processes, which are killed in turns.
  struct Role {
    std::string kind;
    std::vector<std::string> consumers;
  };
  std::vector<Role> roles() const {
    std::vector<Role> all{{"consumers", {"view", "mail", "inventory", "payment"}},
                          {"relay", {"analytics"}},
                          {"sender", {"notification"}}};
    // A second member of the groups. SQLite has one writer: there it would only wait.
    if (!is_sqlite()) all.push_back({"consumers", {"view", "mail", "inventory", "payment"}});
    return all;
  }

  std::unique_ptr<ChildProcess> start(const Role& role) {
    std::vector<std::string> arguments{"run"};
    for (const auto& name : role.consumers) arguments.insert(arguments.end(), {"--consumer", name});
    return kinbox(arguments, role.kind);
  }

  /// Verdicts. Asked again and again, so it must be cheap.
  std::int64_t progress() {
    return number(
        sql("SELECT coalesce(sum(next_offset - first_offset - gaps), 0) "
            "FROM {kinbox}.consumer_progress"));
  }

  /// All six consumers read the first topic, five the second, one the third.
  std::int64_t verdicts() {
    return 6 * published_[created_] + 5 * published_[status_changed_] + published_[odd_];
  }

  std::int64_t orders() const { return static_cast<std::int64_t>(shop_.orders().size()); }

  /// Runs the shop to the end of its topics. Each kill strikes after another share of the work.
  void run_and_kill(int kills) {
    const auto roles = this->roles();
    std::vector<std::unique_ptr<ChildProcess>> running;
    for (const auto& role : roles) running.push_back(start(role));
    for (int kill = 0; kill < kills; ++kill) {
      const auto share = verdicts() * (kill + 1) / (kills + 1);
      ASSERT_TRUE(eventually([&] { return progress() >= share; }, kPatience)) << said(running);
      const auto which = static_cast<std::size_t>(kill) % roles.size();
      ASSERT_EQ(running[which]->kill().signal, SIGKILL) << said(running);
      ++killed_[roles[which].kind];
      running[which] = start(roles[which]);
    }
    ASSERT_TRUE(eventually([&] { return is_done(); }, kPatience))
        << said(running) << "at " << progress();
    for (auto& process : running) process->signal(SIGTERM);
    for (auto& process : running)
      EXPECT_EQ(process->wait_for(30s), (ExitStatus{.code = 0, .signal = {}}))
          << process->output(kErr);
  }

  bool is_done() {
    return progress() == verdicts() &&
           number(sql("SELECT count(*) FROM {kinbox}.outbox WHERE state = 'pending'")) == 0 &&
           number(sql("SELECT count(*) FROM {kinbox}.email_outbox WHERE state <> 'sent'")) == 0;
  }

  static std::string said(const std::vector<std::unique_ptr<ChildProcess>>& processes) {
    std::string all;
    for (const auto& process : processes) all += process->output(kErr);
    return all;
  }

  void expect(const std::string& what, std::string_view query, std::int64_t wanted) {
    report(what, number(sql(query)), wanted);
  }

  /// A line of the summary.
  static void report(const std::string& what, std::int64_t found, std::int64_t wanted) {
    std::printf("%s  %s: %lld (expected %lld)\n", found == wanted ? "ok  " : "FAIL", what.c_str(),
                static_cast<long long>(found), static_cast<long long>(wanted));
    EXPECT_EQ(found, wanted) << what;
  }

  void expect_rows() {
    for (const auto* handler : kShopHandlers) {
      const auto complaints = shop_.complaints_about(handler, database());
      report("complaints about " + std::string(handler), complaints.empty() ? 0 : 1, 0);
      EXPECT_EQ(complaints, "");
    }
    expect("orders in the view", "SELECT count(*) FROM {kinbox}.order_view", orders());
    expect("orders written twice", "SELECT count(*) FROM {kinbox}.order_view WHERE version <> 1",
           0);
    expect("mails confirming", mails("order_confirmation"), orders());
    expect("mails about shipping", mails("order_shipped"), shipped());
    expect("dead letters", "SELECT count(*) FROM {kinbox}.dead_letters", kBroken);
    expect("replies: processed", of_type("ORDER_CREATED.processed"), orders());
    expect("replies: failed", of_type("ORDER_CREATED.failed"), kBroken);
    expect("ids given twice", "SELECT count(*) - count(DISTINCT message_id) FROM {kinbox}.outbox",
           0);
    expect("open batches",
           "SELECT count(*) FROM {kinbox}.consumer_progress WHERE open_batch IS NOT NULL", 0);
  }

  std::int64_t shipped() const {
    const auto& all = shop_.orders();
    return std::count_if(all.begin(), all.end(),
                         [](const auto& order) { return !order.cancelled; });
  }

  static std::string mails(const std::string& type) {
    return "SELECT count(*) FROM {kinbox}.email_outbox WHERE email_type = '" + type + "'";
  }

  static std::string of_type(const std::string& type) {
    return "SELECT count(*) FROM {kinbox}.outbox WHERE event_type = '" + type + "'";
  }

  /// What is in the mailbox against the rows it was made of.
  void expect_mails() {
    std::map<std::string, std::int64_t> copies;
    for (const auto& entry : std::filesystem::directory_iterator(maildir() / "new"))
      ++copies[message_id_of(entry.path())];
    std::int64_t missing = 0;
    const auto tx = database().begin();
    for (const auto row : tx->query(sql("SELECT message_id FROM {kinbox}.email_outbox")))
      missing += copies.contains(row.get<std::string>(0)) ? 0 : 1;
    report("mails that never arrived", missing, 0);
    report("different mails in the mailbox", static_cast<std::int64_t>(copies.size()),
           orders() + shipped());
    std::int64_t again = 0;
    for (const auto& [id, count] : copies) again += count - 1;
    std::printf("      mails: %lld copies\n", static_cast<long long>(again));
  }

  static std::string message_id_of(const std::filesystem::path& file) {
    constexpr std::string_view kName = "Message-ID: ";
    std::ifstream mail(file);
    for (std::string line; std::getline(mail, line) && line != "\r" && !line.empty();) {
      if (!line.starts_with(kName)) continue;
      line.erase(line.find_last_not_of('\r') + 1);
      return line.substr(kName.size());
    }
    return "none in " + file.string();
  }

  /// What stands on the topics against the rows it was made of.
  void expect_topics() {
    for (const auto& topic : {replies_, inventory_, payment_}) {
      const auto found = compare_with_outbox(database(), brokers(), topic, kPartitions);
      report(topic + ": events on the topic", found.events, found.rows);
      report(topic + ": other payloads, strangers, wrong order", found.faults, 0);
      EXPECT_EQ(found.text, "");
      std::printf("      %s: %lld copies\n", topic.c_str(), static_cast<long long>(found.copies));
    }
  }

  std::string sql(std::string_view text) { return database().dialect().render(text); }

  const std::chrono::seconds kPatience{from_environment("KINBOX_TEST_PATIENCE", 60)};
  const std::string created_ = unique_name("created");
  const std::string status_changed_ = unique_name("changed");
  const std::string odd_ = unique_name("odd");
  const std::string replies_ = unique_name("replies");
  const std::string inventory_ = unique_name("inventory");
  const std::string payment_ = unique_name("payment");
  const int count_ = from_environment("KINBOX_TEST_ORDERS", 200);
  const Shop shop_{count_, count_ * 6 / 10};
  std::map<std::string, std::int64_t> published_;
  const TemporaryDirectory directory_;
  std::unique_ptr<kafka::MockCluster> mock_;
  std::map<std::string, int> killed_;
};
KINBOX_FOR_ALL_DATABASES(KilledEffects);

TEST_P(KilledEffects, OfOrdersComeOnceEach) {
  open_the_shop();
  if (HasFatalFailure()) return;
  run_and_kill(from_environment("KINBOX_TEST_KILLS", 4));
  if (HasFatalFailure()) return;
  for (const auto& [kind, times] : killed_)
    std::printf("      %d SIGKILLs: %s\n", times, kind.c_str());
  expect_rows();
  expect_topics();
  expect_mails();
}

}  // namespace
}  // namespace kinbox::testing
