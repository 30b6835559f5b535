// What is due is due by the database's clock: here it and the process's clock go apart.
#include <gmock/gmock.h>

#include "core/dispatcher_parts.hpp"
#include "core/set_aside.hpp"
#include "simulation/world.hpp"

namespace kinbox::simulation {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class DatabaseClock : public ::testing::Test {
 protected:
  class Failing : public Handler {
   public:
    explicit Failing(DatabaseClock& test) : test_(test) {}
    void handle(const Event& event, Transaction&) override {
      test_.tried.push_back(event.id());
      if (test_.fails) throw std::runtime_error("not now");
    }

   private:
    DatabaseClock& test_;
  };

  DatabaseClock() {
    options.on_error.retry.max_attempts = 1;
    options.on_error.then = Then::kPark;
    options.on_error.park.delays = {1h, 1h};
    HandlerSpec handler;
    handler.name = "failing";
    handler.event_types = {"*"};
    handler.make = [this](const HandlerContext&) { return std::make_unique<Failing>(*this); };
    consumer.name = "orders";
    consumer.group = "g";
    consumer.topics = {id.topic};
    consumer.handlers.push_back({std::move(handler)});
    begin_anew();
  }

  void begin_anew() {
    store.wipe();
    const auto tx = store.database().begin();
    tx->execute("INSERT INTO main.consumers (name, group_id) VALUES ('orders', 'g')");
    Progress("orders", "first", store.database().dialect()).create(*tx, id, 0);
    tx->commit();
  }

  /// A process: takes the partition, and learns what waits there.
  struct Process {
    Process(DatabaseClock& test, const std::string& owner)
        : registry(test.consumer.handlers, test.store.database().dialect(), {}),
          dispatcher(dispatcher_parts(test.consumer, owner, registry, observer), test.options,
                     test.store.database()) {
      auto& partition = partitions[test.id];
      partition.id = test.id;
      const auto& dialect = test.store.database().dialect();
      const auto tx = test.store.database().begin();
      partition.claim = *Progress("orders", owner, dialect).take(*tx, test.id, "");
      // As if its last owner had left in order.
      partition.claim.suspicion.reset();
      partition.state = OwnedPartition::State::kRunning;
      OwnedPartition* const only = &partition;
      SetAside("orders", dialect).load(*tx, {&only, 1});
      tx->commit();
    }
    void read(Offset offset, const std::string& event_id) {
      const Record record(OwnedRecord{.topic = "t",
                                      .partition = 0,
                                      .offset = offset,
                                      .timestamp = std::nullopt,
                                      .key = "k",
                                      .value = R"({"eventId":")" + event_id + "\"}",
                                      .headers = {}});
      dispatcher.apply({&record, 1}, partitions);
    }
    void redrive() { dispatcher.redrive(partitions); }

    Observer observer;
    HandlerRegistry registry;
    Dispatcher dispatcher;
    OwnedPartitions partitions;
  };

  void move_process(VirtualTime::Clock::duration by) {
    time.advance(by);
    time.move_database(-by);
  }

  /// By the database's own reckoning; 0 if nothing waits.
  std::int64_t seconds_until_due() {
    const auto tx = store.database().begin();
    const auto rows = tx->query(
        "SELECT CAST(round((julianday(due_at) - julianday('now')) * 86400) AS INTEGER) "
        "FROM main.parked_events WHERE due_at IS NOT NULL");
    return rows.empty() ? 0 : rows[0].get<std::int64_t>(0);
  }

  VirtualTime time{1};
  Store store;
  const TopicPartition id{"t", 0};
  ConsumerSpec consumer;
  DispatcherOptions options;
  std::vector<std::string> tried;
  bool fails = true;
};

TEST_F(DatabaseClock, AProcessThatIsAheadTriesNothingEarly) {
  Process process(*this, "a");
  process.read(0, "e-1");
  ASSERT_EQ(seconds_until_due(), 3600);
  tried.clear();
  fails = false;
  move_process(2h);
  process.redrive();
  EXPECT_THAT(tried, IsEmpty());
  time.advance(59min);
  process.redrive();
  EXPECT_THAT(tried, IsEmpty());
  time.advance(2min);
  process.redrive();
  EXPECT_THAT(tried, ElementsAre("e-1"));
}

TEST_F(DatabaseClock, AProcessThatIsBehindTriesWhatIsDueWhenItTakesThePartition) {
  Process(*this, "a").read(0, "e-1");
  tried.clear();
  time.move_database(1h);
  Process process(*this, "b");
  process.redrive();
  EXPECT_THAT(tried, ElementsAre("e-1"));
  EXPECT_EQ(seconds_until_due(), 3600) << "and it failed again";
}

TEST_F(DatabaseClock, DelaysAreCountedFromItsTimeWhateverTheProcesssIs) {
  for (const auto ahead : {-24h, 48h}) {
    SCOPED_TRACE(ahead.count());
    begin_anew();
    Process process(*this, "a");
    move_process(ahead);
    process.read(0, "e-1");
    EXPECT_EQ(seconds_until_due(), 3600);
    time.advance(1h);
    process.redrive();
    EXPECT_EQ(seconds_until_due(), 3600);
  }
}

TEST_F(DatabaseClock, RequestedLettersWaitForIt) {
  options.on_error.then = Then::kDeadLetter;
  Process(*this, "a").read(0, "e-1");
  {
    const auto tx = store.database().begin();
    tx->execute(
        "UPDATE main.letter_states SET state = 'requested', "
        "due_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '1 hour')");
    tx->commit();
  }
  tried.clear();
  fails = false;
  Process process(*this, "b");
  move_process(2h);
  process.redrive();
  EXPECT_THAT(tried, IsEmpty());
  time.advance(61min);
  process.redrive();
  EXPECT_THAT(tried, ElementsAre("e-1"));
}

}  // namespace
}  // namespace kinbox::simulation
