// A network that goes silent at every message between a worker and PostgreSQL, login included: what
// is sent into it is acknowledged and gone, nobody learns that anybody has closed.
#include <gmock/gmock.h>

#include <atomic>
#include <future>

#include "kinbox/postgres/database.hpp"
#include "kinbox/testing/scripted_log.hpp"
#include "kinbox/worker.hpp"
#include "support/postgres_messages.hpp"
#include "support/postgres_test_database.hpp"
#include "support/services.hpp"
#include "support/tcp_proxy.hpp"
#include "support/test_database.hpp"

namespace kinbox::testing {
namespace {

using namespace std::chrono_literals;
using Direction = TcpProxy::Direction;
using From = PostgresMessages::From;

constexpr int kRecords = 30;
constexpr int kBatches = 3;
constexpr int kPoison = 14;
// Runs side by side: most of their time they wait for a deadline.
constexpr int kSideBySide = 12;

std::string id_of(int n) {
  // 5, 12, 19 and 26 repeat an earlier event.
  return "e-" + std::to_string(n % 7 == 5 ? n - 2 : n);
}

std::string value_of(int n) {
  return n == kPoison ? "{broken" : R"({"eventId":")" + id_of(n) + R"(","eventType":"Created"})";
}

/// Writes its effects under its consumer's name, and reads once in a batch.
class InsertEffect : public Handler {
 public:
  InsertEffect(std::string consumer, const Dialect& dialect)
      : consumer_(std::move(consumer)),
        insert_(
            dialect.render("INSERT INTO {kinbox}.effects (consumer, event_id) VALUES ($1, $2)")),
        count_(dialect.render("SELECT count(*) FROM {kinbox}.effects WHERE consumer = $1")) {}
  void handle(const Event& event, Transaction& tx) override {
    tx.execute(insert_, consumer_, event.id());
    if (event.record().offset() % 5 == 0) tx.query(count_, consumer_);
  }

 private:
  std::string consumer_;
  std::string insert_;
  std::string count_;
};

/// Notes how the worker noticed, and stops one that would go on for ever.
class Witness : public Observer {
 public:
  void on_notice(const Notice& notice) override {
    const auto* message = std::get_if<notice::SourceMessage>(&notice);
    // The two last things it does: it leaves its partitions, and signs off.
    if (message != nullptr && (message->text.starts_with("clean stop not recorded") ||
                               message->text.starts_with("not signed off")))
      ++unclean;
    if (const auto* away = std::get_if<notice::Unavailable>(&notice)) trouble = away->what;
    if (const auto* unclaimed = std::get_if<notice::Unclaimed>(&notice)) trouble = unclaimed->why;
    if (notice.index() == Notice(notice::Unavailable{}).index() && ++failures > 100) worker->stop();
  }
  Worker* worker = nullptr;
  int unclean = 0;
  int failures = 0;
  std::string trouble;
};

class SilentNetwork : public DatabaseContract {
 protected:
  struct Outcome {
    /// Something was swallowed, beginning with this byte.
    bool struck = false;
    char first = 0;
    int connections = 0;
    bool unclean_stop = false;
    /// What is left.
    std::string left;
    std::string trouble;
  };

  void prepare() override {
    migrate(database());
    script(database().dialect().render(
        "CREATE TABLE {kinbox}.effects (consumer text NOT NULL, event_id text NOT NULL)"));
  }

  postgres::Options through(const TcpProxy& proxy) {
    postgres::Options options;
    options.uri = PostgresService::get().uri_at_port(proxy.port());
    options.schema = home().place();
    options.connect_timeout = 300ms;
    options.lock_timeout = 100ms;
    options.statement_timeout = 200ms;
    options.idle_in_transaction_session_timeout = 200ms;
    options.call_deadline = 300ms;
    return options;
  }

  static ConsumerSpec consumer(const std::string& name) {
    ConsumerSpec spec;
    spec.name = name;
    spec.group = "g";
    spec.topics = {"orders"};
    HandlerSpec handler;
    handler.name = "insert_effect";
    handler.event_types = {"Created"};
    handler.make = [name](const HandlerContext& context) {
      return std::make_unique<InsertEffect>(name, context.dialect);
    };
    spec.handlers.push_back({std::move(handler)});
    return spec;
  }

  /// Three batches over a connection that goes silent at the n-th message from one of its ends.
  Outcome run(From from, int number) {
    const auto name = std::string(from == From::kClient ? "client" : "server") + ' ' +
                      std::to_string(number) + ' ' + std::to_string(++runs_);
    Outcome outcome;
    TcpProxy proxy(PostgresService::get().port());
    proxy.swallow(from == From::kClient ? Direction::kToServer : Direction::kToClient, [&, number] {
      return [&, number, messages = PostgresMessages(from)](std::string_view bytes) mutable {
        const auto passes = messages.before(number, bytes);
        if (passes < bytes.size()) outcome.first = bytes[passes];
        return passes;
      };
    });
    work(name, proxy, outcome);
    outcome.struck = proxy.losses() == 1;
    outcome.connections = proxy.connections();
    outcome.left = left(name);
    return outcome;
  }

  void work(const std::string& name, const TcpProxy& proxy, Outcome& outcome) {
    ScriptedLog log;
    for (int n = 0; n < kRecords; ++n) log.append_json({"orders", n % 2}, value_of(n));
    auto source = log.member();
    source->assign({{"orders", 0}, {"orders", 1}});
    WorkerOptions options;
    options.budget.max_records = kRecords / kBatches;
    options.budget.max_wait = 5ms;
    options.infrastructure.first_delay = 1ms;
    options.infrastructure.max_delay = 10ms;
    Witness witness;
    Worker worker(consumer(name), options, std::move(source), postgres::factory(through(proxy))(),
                  witness);
    witness.worker = &worker;
    worker.run({.idle = true}, 10s);
    outcome.unclean_stop = witness.unclean > 0;
    outcome.trouble = witness.trouble;
  }

  /// Effects, their events, and what the counters say of the thirty records.
  std::string left(const std::string& name) {
    return run_sql(
        PostgresService::get().uri(),
        database().dialect().render(
            "SELECT (SELECT count(*) || ' effects of ' || count(DISTINCT event_id) || ' events, ' "
            "FROM {kinbox}.effects WHERE consumer = '" +
            name +
            "') || (SELECT sum(applied) || ' applied, ' || sum(duplicates) || ' duplicates, ' || "
            "sum(dead) || ' dead to ' || sum(next_offset) FROM {kinbox}.consumer_progress "
            "WHERE consumer = '" +
            name + "' AND open_batch IS NULL)"));
  }

  static std::string expected() {
    return "25 effects of 25 events, 25 applied, 4 duplicates, 1 dead to 30";
  }

  /// One run per message, until one is through without the network going silent. How many messages
  /// that is.
  int silent_at_every_message(From from) {
    std::atomic<int> next{1};
    std::atomic<int> last{std::numeric_limits<int>::max()};
    const auto take_turns = [&] {
      for (int number = next++; number < last; number = next++) {
        auto outcome = run(from, number);
        // A slow machine passed a deadline by itself, and the count began anew.
        while (!outcome.struck && outcome.connections > 1) outcome = run(from, number);
        EXPECT_EQ(outcome.left, expected()) << "message " << number << ": " << outcome.trouble;
        if (!outcome.struck) {
          last = number;
          return;
        }
        // A goodbye, and what is swallowed of the last transaction, needs no new connection.
        const bool noticed = outcome.connections > 1 || outcome.unclean_stop;
        EXPECT_TRUE(noticed || outcome.first == 'X') << "message " << number;
      }
    };
    std::vector<std::future<void>> turns;
    for (int i = 0; i < kSideBySide; ++i)
      turns.push_back(std::async(std::launch::async, take_turns));
    for (auto& turn : turns) turn.get();
    return last - 1;
  }

 private:
  std::atomic<int> runs_{0};
};
KINBOX_FOR_POSTGRES(SilentNetwork);

TEST_P(SilentNetwork, AtEveryMessageOfOursCostsNothingButTime) {
  EXPECT_GT(silent_at_every_message(From::kClient), 100);
}

TEST_P(SilentNetwork, AtEveryMessageOfTheServersCostsNothingButTime) {
  EXPECT_GT(silent_at_every_message(From::kServer), 100);
}

}  // namespace
}  // namespace kinbox::testing
