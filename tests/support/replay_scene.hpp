#pragma once

#include <gmock/gmock.h>

#include "cli/inbox/recount.hpp"
#include "core/replay/replay_plan.hpp"
#include "core/replay/replay_rows.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/replay.hpp"
#include "support/pipeline.hpp"

namespace kinbox::testing {

/// Where a member begins that reads a piece of the log.
class Reading : public AssignmentListener {
 public:
  std::vector<std::optional<Offset>> on_assigned(
      std::span<const TopicPartition> partitions) override {
    return std::vector<std::optional<Offset>>(partitions.size(), 0);
  }
  void on_revoked(std::span<const TopicPartition>, Revocation) override {}
};

class RepeatableHandler : public Handler {
 public:
  struct Calls {
    std::function<void(const Event&, Transaction&)> handle;
    std::function<void(const ReplayRange&, Transaction&)> prepare;
  };
  explicit RepeatableHandler(const Calls& calls) : calls_(calls) {}
  void handle(const Event& event, Transaction& tx) override { calls_.handle(event, tx); }
  void prepare_reprocess(const ReplayRange& range, Transaction& tx) override {
    calls_.prepare(range, tx);
  }

 private:
  const Calls& calls_;
};

class ReplayScene : public Pipeline {
 protected:
  void prepare() override {
    Pipeline::prepare();
    options.dispatch.on_error.retry.max_attempts = 1;
    calls_.handle = [this](const Event& event, Transaction& tx) { handle(event, tx); };
    calls_.prepare = [this](const ReplayRange& range, Transaction& tx) {
      ranges_.push_back(range);
      prepare_again(range, tx);
    };
  }

  void process(const std::vector<std::string>& ids) {
    for (const auto& id : ids) send(p0, id, id.substr(0, 1));
    run_until_idle({p0});
  }
  void execute(std::string_view statement) {
    const auto tx = database().begin();
    tx->execute(sql(statement));
    tx->commit();
  }
  /// As if the event had never come.
  void forget(const std::string& id) {
    execute("DELETE FROM {kinbox}.processed_events WHERE event_id = '" + id + "'");
    execute("DELETE FROM {kinbox}.effects WHERE event_id = '" + id + "'");
  }

  ConsumerSpec replayed_spec() {
    auto consumer = spec();
    auto& handler = consumer.handlers.front().spec;
    handler.make = [this](const HandlerContext&) {
      return std::make_unique<RepeatableHandler>(calls_);
    };
    handler.traits.reprocessable = reprocessable_;
    return consumer;
  }

  ReplayPlan plan(Offset begin = 0, std::optional<Offset> end = std::nullopt) {
    ReplayPlan made;
    made.consumer = "orders";
    made.group = "g";
    made.to_live_position = !end;
    ReplayPlan::Partition partition;
    partition.slice = {p0, begin, end.value_or(position(p0))};
    partition.topic_id = texts("SELECT topic_id FROM {kinbox}.consumer_progress").at(0);
    made.partitions.push_back(partition);
    return made;
  }
  std::int64_t record(const ReplayChoices& choices, const ReplayPlan& planned) {
    NewReplay fresh{.consumer = "orders",
                    .choices = choices,
                    .plan_hash = hash_of(planned),
                    .plan = to_text(planned, choices),
                    .who = "somebody",
                    .audit_id = 0,
                    .pieces = {}};
    for (const auto& partition : planned.partitions)
      fresh.pieces.push_back({partition.slice, partition.topic_id, planned.to_live_position});
    std::int64_t id = 0;
    const auto tx = database().begin();
    id = ReplayRows(database().dialect()).record(*tx, fresh);
    tx->commit();
    return id;
  }
  std::int64_t record(const ReplayChoices& choices) { return record(choices, plan()); }

  std::vector<Record> records(std::size_t portion = 100) {
    const auto source = log.member();
    Reading reading;
    source->subscribe(reading);
    source->assign({p0});
    std::vector<Record> all;
    do {
      auto polled =
          source->poll({.max_records = portion, .max_wait = std::chrono::milliseconds{0}});
      std::move(polled.records.begin(), polled.records.end(), std::back_inserter(all));
    } while (!source->at_end(p0));
    return all;
  }

  std::unique_ptr<Replayer> replayer(FaultPlan faults = {}) {
    auto connection = connect();
    if (faults) connection = with_faults(std::move(connection), std::move(faults));
    return std::make_unique<Replayer>(Replayer::Parts{.consumer = replayed_spec(),
                                                      .options = options.dispatch,
                                                      .database = std::move(connection),
                                                      .observer = observer,
                                                      .wait = [](std::chrono::milliseconds) {}});
  }
  /// Takes the replay up and runs it to its end.
  Replayer::Progress finish(std::int64_t id) {
    const auto runs = replayer();
    runs->take(id);
    const auto all = records();
    EXPECT_EQ(runs->apply(all), Replayer::Outcome::kDone) << runs->why();
    EXPECT_EQ(runs->finish(), Replayer::Outcome::kDone) << runs->why();
    return runs->progress().at(0);
  }
  Replayer::Progress replay(const ReplayChoices& choices) { return finish(record(choices)); }
  static ReplayChoices reprocess() { return {.mode = ReplayMode::kReprocess}; }

  /// What `inbox verify` says of the partition.
  cli::Recount recounted() { return cli::recount(database()).at(0); }
  std::int64_t brought() {
    return number("SELECT brought FROM {kinbox}.consumer_progress WHERE partition = 0");
  }

  std::string state(std::int64_t id) {
    return texts("SELECT state FROM {kinbox}.replays WHERE id = " + std::to_string(id)).at(0);
  }

  bool reprocessable_ = true;
  std::function<void(const ReplayRange&, Transaction&)> prepare_again = [](const ReplayRange&,
                                                                           Transaction& tx) {
    tx.execute(tx.dialect().render("DELETE FROM {kinbox}.effects"));
  };
  std::vector<ReplayRange> ranges_;
  RepeatableHandler::Calls calls_;
};

}  // namespace kinbox::testing
