// Deliveries, repeated ones, positions that are put back, fills and prunes at once, on connections
// and threads of their own: inside its window no event runs twice.
#include <gmock/gmock.h>

#include <atomic>
#include <mutex>
#include <random>
#include <thread>

#include "core/replay/replay_plan.hpp"
#include "core/replay/replay_rows.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/inbox.hpp"
#include "kinbox/progress.hpp"
#include "kinbox/replay.hpp"
#include "kinbox/retention.hpp"
#include "support/test_database.hpp"

namespace kinbox::testing {
namespace {

using std::chrono::milliseconds;

constexpr const char* kConsumer = "orders";
constexpr milliseconds kWindow{250};
constexpr Offset kBatch = 20;
constexpr std::int64_t kEnough = 400;
constexpr std::int64_t kFills = 3;
constexpr std::chrono::seconds kPatience{60};
constexpr int kIds = 400;

/// When the event ran, as its row in the inbox says.
constexpr const char* kRan =
    "INSERT INTO {kinbox}.runs (event_id, ran_at) SELECT event_id, processed_at "
    "FROM {kinbox}.processed_events WHERE consumer = 'orders' AND event_id = $1";

class Runs : public Handler {
 public:
  explicit Runs(const Dialect& dialect) : ran_(dialect.render(kRan)) {}
  void handle(const Event& event, Transaction& tx) override { tx.execute(ran_, event.id()); }

 private:
  std::string ran_;
};

class WindowUnderLoad : public DatabaseContract {
 protected:
  void prepare() override {
    migrate(database());
    const std::string time = is_sqlite() ? "text" : "timestamptz";
    script(database().dialect().render(
        "CREATE TABLE {kinbox}.runs (event_id text NOT NULL, ran_at " + time + " NOT NULL)"));
    for (std::int32_t number = 0; number < 2; ++number) {
      const auto tx = database().begin();
      Progress(kConsumer, "o", tx->dialect()).create(*tx, {"t", number}, 0);
      tx->commit();
    }
  }

  /// The same events in both partitions, again and again.
  static OwnedRecord record(std::int32_t partition, Offset offset) {
    OwnedRecord record;
    record.topic = "t";
    record.partition = partition;
    record.offset = offset;
    record.value = R"({"eventId":"e-)" + std::to_string((offset * 7 + partition) % kIds) +
                   R"(","eventType":"Paid"})";
    return record;
  }

  /// Does it until it succeeds, as whoever meets another's transaction.
  template <typename Call>
  static void persist(Call call) {
    for (;;) {
      try {
        return call();
      } catch (const InfrastructureError&) {
      }
    }
  }

  void deliver(Database& connection, std::int32_t partition, bool goes_back) {
    const auto& dialect = connection.dialect();
    const Progress progress(kConsumer, "o", dialect);
    const Inbox inbox(kConsumer, dialect);
    const TopicPartition where{"t", partition};
    const auto tx = connection.begin();
    if (goes_back)
      tx->execute(
          dialect.render("UPDATE {kinbox}.consumer_progress SET first_offset = first_offset "
                         "- CASE WHEN next_offset < 60 THEN next_offset ELSE 60 END, "
                         "next_offset = next_offset - "
                         "CASE WHEN next_offset < 60 THEN next_offset ELSE 60 END "
                         "WHERE partition = $1"),
          partition);
    const auto claim = *progress.take(*tx, where, "");
    const auto end = claim.next_offset + kBatch;
    ASSERT_EQ(progress.open(*tx, where, claim, end, "").result(), Progress::Opened::kOpened);
    std::vector<OwnedRecord> records;
    std::vector<std::string> ids;
    for (auto offset = claim.next_offset; offset < end; ++offset) {
      records.push_back(record(partition, offset));
      ids.push_back("e-" + std::to_string((offset * 7 + partition) % kIds));
    }
    std::vector<Inbox::Claim> claims;
    for (std::size_t i = 0; i < ids.size(); ++i)
      claims.push_back({.event_id = ids[i],
                        .event_type = "Paid",
                        .topic = where.topic,
                        .partition = partition,
                        .offset = records[i].offset,
                        .verdict = Verdict::kApplied,
                        .fingerprint = Fingerprint::of(as_bytes(*records[i].value))});
    const auto is_new = inbox.claim(*tx, claims);
    Tally tally;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      is_new[i] ? ++tally.applied : ++tally.duplicates;
      if (is_new[i]) tx->execute(dialect.render(kRan), ids[i]);
    }
    progress.close(*tx, where, tally);
    tx->commit();
  }

  void prune(Database& connection) {
    PruneOptions options;
    options.rest = 0;
    options.batch = 30;
    options.on_rows = [&](OpenTransaction&, std::int64_t rows) { pruned_ += rows; };
    try {
      Pruner(connection, {.inbox = kWindow}, options).prune(kConsumer);
    } catch (const RefusedError&) {
      ++refused_;
    }
  }

  /// A fill over all that the live consumer has behind it.
  void fill(Database& connection) {
    ReplayPlan plan;
    plan.consumer = kConsumer;
    std::int64_t id = 0;
    std::map<TopicPartition, Offset> ends;
    persist([&] {
      const auto tx = connection.begin();
      NewReplay fresh{.consumer = kConsumer,
                      .choices = {},
                      .plan_hash = "h",
                      .plan = to_text(plan, {}),
                      .who = "zoe",
                      .audit_id = 0,
                      .pieces = {}};
      for (const auto row : tx->query(tx->dialect().render(
               "SELECT partition, next_offset FROM {kinbox}.consumer_progress"))) {
        const TopicPartition where{"t", static_cast<std::int32_t>(row.get<std::int64_t>(0))};
        ends[where] = std::max<Offset>(0, row.get<std::int64_t>(1) - 60);
        fresh.pieces.push_back({.slice = {where, 0, ends[where]}, .topic_id = ""});
      }
      id = ReplayRows(tx->dialect()).record(*tx, fresh);
      tx->commit();
    });
    ConsumerSpec spec;
    spec.name = kConsumer;
    spec.group = "g";
    spec.topics = {"t"};
    HandlerSpec handler;
    handler.name = "runs";
    handler.event_types = {"*"};
    handler.make = [](const HandlerContext& context) {
      return std::make_unique<Runs>(context.dialect);
    };
    spec.handlers.push_back({std::move(handler)});
    Observer observer;
    Replayer replayer({.consumer = std::move(spec),
                       .options = {},
                       .database = connect(),
                       .observer = observer,
                       .wait = [](milliseconds) {}});
    persist([&] { replayer.take(id); });
    for (const auto& [where, end] : ends)
      for (Offset begin = 0; begin < end; begin += 100) {
        std::vector<Record> records;
        for (auto offset = begin; offset < std::min(end, begin + 100); ++offset)
          records.emplace_back(record(where.partition, offset));
        persist([&] {
          EXPECT_EQ(replayer.apply(records), Replayer::Outcome::kDone) << replayer.why();
        });
      }
    persist([&] { EXPECT_EQ(replayer.finish(), Replayer::Outcome::kDone) << replayer.why(); });
    ++fills_;
  }

  bool saw_enough() const { return pruned_ >= kEnough && refused_ > 0 && fills_ >= kFills; }

  std::atomic<std::int64_t> pruned_ = 0;
  std::atomic<std::int64_t> refused_ = 0;
  std::atomic<std::int64_t> fills_ = 0;
};
KINBOX_FOR_ALL_DATABASES(WindowUnderLoad);

TEST_P(WindowUnderLoad, InsideItNoEventRunsTwice) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  const auto at_work = [&] { return !saw_enough() && std::chrono::steady_clock::now() < deadline; };
  std::vector<std::jthread> threads;
  const auto meanwhile = [&](auto work) {
    threads.emplace_back([&, work] {
      const auto connection = connect();
      for (int turn = 1; at_work(); ++turn) work(*connection, turn);
    });
  };
  for (std::int32_t partition = 0; partition < 2; ++partition)
    meanwhile([&, partition](Database& connection, int turn) {
      persist([&] { deliver(connection, partition, turn % 5 == 0); });
    });
  meanwhile([&](Database& connection, int) { persist([&] { prune(connection); }); });
  meanwhile([&](Database& connection, int) {
    // Prunes have their turn between two.
    const auto before = pruned_.load();
    fill(connection);
    while (at_work() && pruned_ == before) std::this_thread::yield();
  });
  threads.clear();
  EXPECT_TRUE(saw_enough()) << pruned_ << " rows pruned, " << refused_ << " prunes refused, "
                            << fills_ << " fills";

  const std::string apart = is_sqlite() ? "(julianday(ran_at) - julianday(before)) * 86400000.0"
                                        : "extract(epoch FROM ran_at - before) * 1000";
  EXPECT_EQ(number("SELECT count(*) FROM (SELECT ran_at, lag(ran_at) OVER (PARTITION BY event_id "
                   "ORDER BY ran_at) AS before FROM {kinbox}.runs) AS r WHERE before IS NOT NULL "
                   "AND " +
                   apart + " < " + std::to_string(kWindow.count() - 1)),
            0);
  EXPECT_GT(number("SELECT count(*) FROM {kinbox}.runs"), kIds) << "outside of it they do";
}

}  // namespace
}  // namespace kinbox::testing
