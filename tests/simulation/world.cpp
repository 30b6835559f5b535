#include "simulation/world.hpp"

#include "kinbox/migrations.hpp"
#include "kinbox/sqlite/database.hpp"

namespace kinbox::simulation {
namespace {

using std::chrono::milliseconds;

// No unique key on effects: a doubled one shows.
constexpr const char* kTables =
    "CREATE TABLE main.effects (seq INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL, "
    "key TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL, record_offset INTEGER NOT "
    "NULL, value TEXT NOT NULL, incarnation INTEGER NOT NULL, owner TEXT NOT NULL);"
    "CREATE TABLE main.out_of_line (event_id TEXT NOT NULL);"
    "CREATE TABLE main.parents (id INTEGER PRIMARY KEY);"
    "CREATE TABLE main.children (id INTEGER REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED);"
    "INSERT INTO main.parents (id) VALUES (1)";

constexpr const char* kWipe =
    "DELETE FROM main.effects; DELETE FROM main.out_of_line; DELETE FROM main.audit; "
    "DELETE FROM main.children; DELETE FROM main.outbox; "
    "DELETE FROM main.parked_events; DELETE FROM main.letters; "
    "DELETE FROM main.processed_events; DELETE FROM main.consumer_progress; "
    "DELETE FROM main.consumers; DELETE FROM main.workers; DELETE FROM main.replays";

class SharedConnection : public Database {
 public:
  explicit SharedConnection(Database& shared) : shared_(shared) {}
  const Dialect& dialect() const override { return shared_.dialect(); }
  std::unique_ptr<OpenTransaction> begin() override { return shared_.begin(); }
  void refuse_unsafe() override { shared_.refuse_unsafe(); }
  std::string session() const override { return shared_.session(); }
  void run_script(OpenTransaction& transaction, const std::string& script) override {
    shared_.run_script(transaction, script);
  }

 private:
  Database& shared_;
};

Rules any_rules(Dice& dice) {
  Rules rules;
  if (dice.one_in(5)) rules.then = Then::kSkip;
  if (dice.one_in(4)) rules.unknown_types = UnknownTypes::kSkip;
  if (dice.one_in(4)) rules.id_conflict = IdConflict::kReport;
  rules.parks = dice.one_in(2);
  // Few keys have long queues.
  if (dice.one_in(5)) rules.keys = 3;
  return rules;
}

Rates any_rates(Dice& dice) {
  switch (dice.below(4)) {
    case 0:
      return {};
    case 1:
      return {.strike = 200, .crash = 1000, .tell_lost = 10};
    case 2:
      return {.strike = 40, .crash = 300, .tell_lost = 3};
    default:
      return {.strike = 12, .crash = 100, .tell_lost = 2};
  }
}

WorkerOptions any_options(Dice& dice, const Rules& rules) {
  WorkerOptions options;
  options.budget.max_records = 1 + dice.below(12);
  options.dispatch.max_batch = 1 + dice.below(12);
  // Processes end from outside here, and often: no record's doing.
  options.dispatch.max_crashes = 1'000'000;
  options.dispatch.on_error.then = rules.then;
  options.dispatch.on_error.retry = {
      .max_attempts = 3, .first_delay = milliseconds{50}, .max_delay = milliseconds{1000}};
  if (rules.parks) {
    auto& on_error = options.dispatch.on_error;
    on_error.then = Then::kPark;
    on_error.retry.max_attempts = 1 + static_cast<int>(dice.below(2));
    on_error.park.delays = {milliseconds{200}, milliseconds{2'000}};
    on_error.park.then = rules.then;
  }
  options.dispatch.unknown_types = rules.unknown_types;
  options.dispatch.id_conflict = rules.id_conflict;
  return options;
}

}  // namespace

Store::Store() {
  lend_sqlite_the_time();
  database_ = sqlite::open({.path = ":memory:"});
  SchemaMigrator(*database_, {kinbox_component()}).up();
  script(kTables);
}

void Store::wipe() { script(kWipe); }

void Store::script(const std::string& text) {
  const auto tx = database_->begin();
  database_->run_script(*tx, text);
  tx->commit();
}

std::unique_ptr<Database> Store::connection() {
  return std::make_unique<SharedConnection>(*database_);
}

World::World(Store& shared, std::uint64_t world_seed, std::ostream* trace_to)
    : store(shared),
      time(world_seed),
      dice(world_seed),
      trace_out(trace_to),
      rates(any_rates(dice)),
      story(log, dice, any_rules(dice)),
      options(any_options(dice, story.rules())) {}

void World::note(std::string_view what, int member, std::int64_t detail) {
  const auto mix = [&](std::uint64_t value) { trace = (trace ^ value) * 1099511628211U; };
  for (const char c : what) mix(static_cast<unsigned char>(c));
  mix(static_cast<std::uint64_t>(member));
  mix(static_cast<std::uint64_t>(detail));
  if (trace_out != nullptr) *trace_out << 'm' << member << ' ' << what << ' ' << detail << '\n';
}

void World::complain(std::string what) {
  note(what, 0);
  complaints.push_back(std::move(what));
}

Offset World::next_offset(const TopicPartition& partition) {
  const auto tx = store.database().begin();
  const auto rows = tx->query(
      "SELECT next_offset FROM main.consumer_progress WHERE topic = $1 AND partition = $2",
      partition.topic, partition.partition);
  return rows.empty() ? -1 : rows[0].get<std::int64_t>(0);
}

std::int64_t World::waiting() {
  const auto tx = store.database().begin();
  return tx->query("SELECT count(*) FROM main.parked_events")[0].get<std::int64_t>(0);
}

void World::check_told(const PartitionOffset& told) {
  const auto next = next_offset(told.partition);
  if (told.offset > next)
    complain("Kafka was told " + std::to_string(told.offset) + " where " + std::to_string(next) +
             " is committed");
  auto& highest_so_far = highest[told.partition];
  if (next < highest_so_far) complain("a position went back to " + std::to_string(next));
  highest_so_far = std::max(highest_so_far, next);
}

}  // namespace kinbox::simulation
