// Whatever is delivered, delivered again and pruned in whatever order: inside its window no event
// runs twice, and a row that is missing is missing below the floor.
#include "kinbox/retention.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/own_statements.hpp"
#include "kinbox/inbox.hpp"
#include "kinbox/progress.hpp"
#include "simulation/dice.hpp"
#include "simulation/world.hpp"

namespace kinbox::simulation {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

constexpr const char* kConsumer = "orders";
constexpr const char* kTopic = "t";
constexpr int kPartitions = 2;
constexpr milliseconds kWindow = hours{7 * 24};

/// A log whose records are delivered by batches as kinbox makes them, from wherever a position is
/// put, while somebody prunes.
class Life {
 public:
  Life(Store& store, std::uint64_t seed) : database_(store.database()), time_(seed), dice_(seed) {
    store.wipe();
    for (std::int32_t number = 0; number < kPartitions; ++number)
      own_transaction(database_, "life",
                      [&](OpenTransaction& tx) { progress_.create(tx, partition(number), 0); });
  }

  void run() {
    for (int step = 0; step < 150; ++step) {
      happen();
      check_floors();
      if (::testing::Test::HasFailure()) return;
    }
  }
  std::int64_t pruned() const { return pruned_; }
  int repeated() const { return repeated_; }
  int ran_again() const { return ran_again_; }

 private:
  static TopicPartition partition(std::int32_t number) { return {kTopic, number}; }

  void happen() {
    switch (dice_.below(6)) {
      case 0:
        return time_.advance(hours{dice_.below(48)});
      case 1:
        return time_.advance(milliseconds{dice_.below(1000)});
      case 2:
        return prune();
      case 3:
        return step_back();
      default:
        return deliver(static_cast<std::int32_t>(dice_.below(kPartitions)));
    }
  }

  /// New events, and copies of earlier ones, of any partition.
  std::string next_id() {
    if (published_.empty() || !dice_.one_in(3)) published_.push_back("e-" + std::to_string(++ids_));
    return dice_.one_in(2) ? published_.back() : dice_.pick(published_);
  }

  void deliver(std::int32_t number) {
    const auto where = partition(number);
    auto& log = logs_[number];
    own_transaction(database_, "life", [&](OpenTransaction& tx) {
      const auto claim = *progress_.take(tx, where, "");
      const auto begin = claim.next_offset;
      const auto end = begin + 1 + static_cast<Offset>(dice_.below(8));
      while (static_cast<Offset>(log.size()) < end) log.push_back(next_id());
      ASSERT_EQ(progress_.open(tx, where, claim, end, "").result(), Progress::Opened::kOpened);
      std::vector<Inbox::Claim> claims;
      for (auto offset = begin; offset < end; ++offset)
        claims.push_back({.event_id = log[static_cast<std::size_t>(offset)],
                          .event_type = "Paid",
                          .topic = where.topic,
                          .partition = number,
                          .offset = offset,
                          .verdict = Verdict::kApplied,
                          .fingerprint = Fingerprint::of(std::nullopt)});
      Tally tally;
      const auto is_new = inbox_.claim(tx, claims);
      for (std::size_t i = 0; i < claims.size(); ++i) {
        is_new[i] ? ++tally.applied : ++tally.duplicates;
        look_at(std::string(claims[i].event_id), is_new[i]);
      }
      progress_.close(tx, where, tally);
    });
  }

  /// The promise.
  void look_at(const std::string& id, bool ran) {
    const auto now = time_.milliseconds();
    const auto last = ran_at_.find(id);
    const bool is_known = last != ran_at_.end();
    if (is_known && now - last->second < kWindow.count()) {
      ++repeated_;
      EXPECT_FALSE(ran) << id << " ran again " << now - last->second << "ms later";
    }
    if (is_known && ran) ++ran_again_;
    EXPECT_TRUE(is_known || ran) << id << " never ran";
    if (ran) ran_at_[id] = now;
  }

  /// A position that somebody puts back: a reset, a restored backup.
  void step_back() {
    const auto number = std::to_string(dice_.below(kPartitions));
    const auto by = std::to_string(dice_.below(30));
    own_transaction(database_, "life", [&](OpenTransaction& tx) {
      tx.execute("UPDATE consumer_progress SET next_offset = max(next_offset - " + by +
                 ", 0), first_offset = 0, duplicates = 0, gaps = 0, "
                 "applied = max(next_offset - " +
                 by + ", 0) WHERE partition = " + number);
    });
  }

  struct Cut {};

  void prune() {
    PruneOptions options;
    options.rest = 0;
    options.batch = 1 + dice_.below(20);
    const auto survives = dice_.below(4);
    std::size_t transactions = 0;
    options.on_rows = [&](OpenTransaction&, std::int64_t rows) {
      if (survives == ++transactions) throw Cut();
      pruned_ += rows;
    };
    try {
      Pruner(database_, {.inbox = kWindow}, options).prune(kConsumer);
    } catch (const Cut&) {
    }
  }

  /// Of every record below the position whose event ran because of it, there is a row, or the floor
  /// is above it; and no floor is above where positions have been.
  void check_floors() {
    const auto tx = database_.begin();
    std::set<std::string> known;
    for (const auto row : tx->query("SELECT event_id FROM processed_events"))
      known.insert(row.get<std::string>(0));
    for (const auto row :
         tx->query("SELECT partition, next_offset, dedup_floor FROM consumer_progress")) {
      const auto& log = logs_[static_cast<std::int32_t>(row.get<std::int64_t>("partition"))];
      const auto floor = row.get<std::int64_t>("dedup_floor");
      ASSERT_LE(floor, static_cast<Offset>(log.size()));
      for (auto offset = floor; offset < row.get<std::int64_t>("next_offset"); ++offset) {
        const auto& id = log[static_cast<std::size_t>(offset)];
        // A copy's row is where the event was first: the other partition's floor speaks for it.
        if (known.contains(id) || copies_elsewhere(id)) continue;
        ADD_FAILURE() << id << " at " << offset << " has no row above the floor " << floor;
      }
    }
  }

  bool copies_elsewhere(const std::string& id) const {
    int copies = 0;
    for (const auto& [number, log] : logs_)
      copies += static_cast<int>(std::count(log.begin(), log.end(), id));
    return copies > 1;
  }

  Database& database_;
  VirtualTime time_;
  Dice dice_;
  Progress progress_{kConsumer, "me", database_.dialect()};
  Inbox inbox_{kConsumer, database_.dialect()};
  std::map<std::int32_t, std::vector<std::string>> logs_;
  std::vector<std::string> published_;
  std::map<std::string, std::int64_t> ran_at_;
  int ids_ = 0;
  std::int64_t pruned_ = 0;
  int repeated_ = 0;
  int ran_again_ = 0;
};

TEST(Retention, InsideItsWindowNoEventRunsTwiceWhateverIsPruned) {
  Store store;
  int repeated = 0;
  int ran_again = 0;
  std::int64_t pruned = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Life life(store, seed);
    life.run();
    if (HasFailure()) return;
    repeated += life.repeated();
    ran_again += life.ran_again();
    pruned += life.pruned();
  }
  EXPECT_GT(repeated, 1000);
  EXPECT_GT(pruned, 1000);
  EXPECT_GT(ran_again, 100) << "outside of it they do";
}

}  // namespace
}  // namespace kinbox::simulation
