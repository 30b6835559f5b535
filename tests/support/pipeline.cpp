#include "support/pipeline.hpp"

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

#include "core/control.hpp"

namespace kinbox::testing {
namespace {

class CallingHandler : public Handler {
 public:
  explicit CallingHandler(std::function<void(const Event&, Transaction&)> call)
      : call_(std::move(call)) {}
  void handle(const Event& event, Transaction& tx) override { call_(event, tx); }

 private:
  std::function<void(const Event&, Transaction&)> call_;
};

/// `call` is looked at when an event comes: a test may change it between two runs.
HandlerSpec calling(std::string name, std::vector<std::string> types,
                    const std::function<void(const Event&, Transaction&)>& call) {
  HandlerSpec spec;
  spec.name = std::move(name);
  spec.event_types = std::move(types);
  spec.make = [&call](const HandlerContext&) {
    return std::make_unique<CallingHandler>(
        [&call](const Event& event, Transaction& tx) { call(event, tx); });
  };
  return spec;
}

/// A row that is tried again for ever keeps a worker from being idle: the test shall fail, not
/// hang.
void stop_restless(Worker& worker, const std::stop_token& done) {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any waking;
  waking.wait_for(lock, done, std::chrono::minutes{1}, [] { return false; });
  if (done.stop_requested()) return;
  ADD_FAILURE() << "the worker is not idle after a minute";
  worker.stop();
}

}  // namespace

void Pipeline::prepare() {
  migrate(database());
  const bool sqlite = is_sqlite();
  script(sql(sqlite ? "CREATE TABLE {kinbox}.effects (seq INTEGER PRIMARY KEY AUTOINCREMENT, "
                      "event_id TEXT NOT NULL, key TEXT NOT NULL)"
                    : "CREATE TABLE {kinbox}.effects (seq bigint GENERATED ALWAYS AS IDENTITY, "
                      "event_id text NOT NULL, key text NOT NULL)"));
  options.budget.max_wait = std::chrono::milliseconds{5};
  options.dispatch.on_error.retry = {.max_attempts = 3,
                                     .first_delay = std::chrono::milliseconds{1},
                                     .max_delay = std::chrono::milliseconds{5}};
  options.infrastructure.first_delay = std::chrono::milliseconds{1};
  options.infrastructure.max_delay = std::chrono::milliseconds{5};
}

std::string Pipeline::json(const std::string& id, const std::string& type, int n) {
  return R"({"eventId":")" + id + R"(","eventType":")" + type + R"(","n":)" + std::to_string(n) +
         "}";
}

Offset Pipeline::send(const TopicPartition& partition, const std::string& id,
                      const std::string& key, const std::string& type, int n) {
  return log.append_json(partition, json(id, type, n), key);
}

void Pipeline::insert_effect(const Event& event, Transaction& tx) const {
  tx.execute(tx.dialect().render("INSERT INTO {kinbox}.effects (event_id, key) VALUES ($1, $2)"),
             event.id(), event.key() ? as_text(*event.key()) : std::string_view("none"));
}

ConsumerSpec Pipeline::spec() {
  ConsumerSpec spec;
  spec.name = "orders";
  spec.group = "g";
  spec.topics = {p0.topic, other_topic.topic};
  spec.handlers.push_back({calling("calling", {"Created", "Changed"}, handle), {}, own_on_error});
  spec.handlers.back().spec.traits.timeout = handler_timeout;
  if (second_handle)
    spec.handlers.push_back({calling("second", {"Second"}, second_handle), {}, second_on_error});
  spec.decoder = EventDecoder(identity);
  spec.outbox = outbox_settings;
  spec.replies = replies;
  return spec;
}

Pipeline::Member Pipeline::member(std::vector<TopicPartition> partitions, FaultPlan faults) {
  auto source = log.member();
  Member made;
  made.source = source.get();
  made.source->assign(std::move(partitions));
  auto connection = connect();
  if (faults) connection = with_faults(std::move(connection), std::move(faults));
  made.worker =
      std::make_unique<Worker>(spec(), options, std::move(source), std::move(connection), observer);
  return made;
}

WorkerResult Pipeline::run_until_idle(std::vector<TopicPartition> partitions, FaultPlan faults) {
  auto running = member(std::move(partitions), std::move(faults));
  const std::jthread watch(
      [&](const std::stop_token& done) { stop_restless(*running.worker, done); });
  return running.worker->run({.idle = true}, std::chrono::seconds{10});
}

void Pipeline::change_from_outside(const TopicPartition& partition, std::string_view statement) {
  const auto tx = database().begin();
  const Control control("orders", database().dialect());
  control.lock(*tx, {&partition, 1});
  database().run_script(*tx, sql(statement));
  control.announce(*tx);
  tx->commit();
}

std::vector<std::string> Pipeline::texts(std::string_view text) {
  const auto tx = database().begin();
  std::vector<std::string> found;
  for (const auto row : tx->query(sql(text))) found.push_back(row.get<std::string>(0));
  return found;
}

std::vector<std::string> Pipeline::effects() {
  return texts("SELECT event_id FROM {kinbox}.effects ORDER BY seq");
}

std::vector<std::string> Pipeline::effects_of_key(const std::string& key) {
  const auto tx = database().begin();
  std::vector<std::string> found;
  for (const auto row :
       tx->query(sql("SELECT event_id FROM {kinbox}.effects WHERE key = $1 ORDER BY seq"), key))
    found.push_back(row.get<std::string>(0));
  return found;
}

std::string Pipeline::verdict(const std::string& event_id) {
  const auto tx = database().begin();
  const auto rows =
      tx->query(sql("SELECT verdict FROM {kinbox}.processed_events WHERE event_id = $1"), event_id);
  return rows.empty() ? "" : rows[0].get<std::string>(0);
}

std::vector<std::string> Pipeline::dead_reasons() {
  return texts("SELECT reason FROM {kinbox}.dead_letters ORDER BY id");
}

Tally Pipeline::tally(const TopicPartition& partition) {
  const auto tx = database().begin();
  const auto rows = tx->query(
      sql("SELECT applied, duplicates, parked, dead, skipped, gaps FROM {kinbox}.consumer_progress "
          "WHERE topic = $1 AND partition = $2"),
      partition.topic, partition.partition);
  if (rows.empty()) return {};
  const auto count = [&](std::size_t column) { return rows[0].get<std::int64_t>(column); };
  return {count(0), count(1), count(2), count(3), count(4), count(5)};
}

Offset Pipeline::position(const TopicPartition& partition) {
  const auto tx = database().begin();
  const auto rows = tx->query(sql("SELECT next_offset FROM {kinbox}.consumer_progress "
                                  "WHERE topic = $1 AND partition = $2"),
                              partition.topic, partition.partition);
  return rows.empty() ? -1 : rows[0].get<std::int64_t>(0);
}

}  // namespace kinbox::testing
