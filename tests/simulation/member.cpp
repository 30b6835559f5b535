#include "simulation/member.hpp"

#include <algorithm>
#include <utility>

#include "kinbox/errors.hpp"

namespace kinbox::simulation {
namespace {

using testing::FaultPoint;

constexpr const char* kInsertEffect =
    "INSERT INTO main.effects (event_id, key, topic, partition, record_offset, value, incarnation, "
    "owner) SELECT $1, $2, $3, $4, $5, $6, $7, owner FROM main.consumer_progress "
    "WHERE topic = $3 AND partition = $4";
constexpr const char* kViolate = "INSERT INTO main.parents (id) VALUES (1)";
constexpr const char* kViolateAtCommit = "INSERT INTO main.children (id) VALUES (7)";

}  // namespace

/// A scripted member that pauses, and knows what its worker was told.
class Member::Source : public kinbox::Source, AssignmentListener {
 public:
  Source(Member& member, std::unique_ptr<testing::ScriptedSource> inner)
      : member_(member), inner_(std::move(inner)) {}

  testing::ScriptedSource& script() { return *inner_; }

  void subscribe(AssignmentListener& listener) override {
    listener_ = &listener;
    inner_->subscribe(*this);
  }
  Polled poll(const PollBudget& budget) override {
    member_.pause();
    member_.armed_ = true;
    auto at_once = budget;
    at_once.max_wait = std::chrono::milliseconds{0};
    auto polled = inner_->poll(at_once);
    member_.world_.note("polls", member_.incarnation_,
                        static_cast<std::int64_t>(polled.records.size()));
    return polled;
  }
  void tell(std::span<const PartitionOffset> positions) override {
    member_.pause();
    for (const auto& position : positions) {
      member_.world_.note("tells", member_.incarnation_, position.offset);
      member_.world_.check_told(position);
    }
    if (!member_.world_.dice.one_in(member_.world_.rates.tell_lost)) inner_->tell(positions);
  }
  void start_at(const TopicPartition& id, Offset offset) override { inner_->start_at(id, offset); }
  void pause(const TopicPartition& id) override { inner_->pause(id); }
  void resume(const TopicPartition& id) override { inner_->resume(id); }
  std::optional<Offset> told(const TopicPartition& id) override { return inner_->told(id); }
  LogRange log_range(const TopicPartition& id) override { return inner_->log_range(id); }
  Offset offset_at(const TopicPartition& id, Timestamp time) override {
    return inner_->offset_at(id, time);
  }
  std::string topic_id(const std::string& topic) override { return inner_->topic_id(topic); }
  bool at_end(const TopicPartition& id) const override { return inner_->at_end(id); }
  std::string cluster_id() override { return inner_->cluster_id(); }
  void close(std::chrono::steady_clock::time_point deadline) override {
    ++member_.news_;
    inner_->close(deadline);
  }

 private:
  std::vector<std::optional<Offset>> on_assigned(
      std::span<const TopicPartition> partitions) override {
    --member_.news_;
    for (const auto& id : partitions) {
      member_.coming_.erase(member_.coming_.find(id));
      member_.owned_.insert(id);
    }
    return listener_->on_assigned(partitions);
  }
  void on_revoked(std::span<const TopicPartition> partitions, Revocation how) override {
    listener_->on_revoked(partitions, how);
    --member_.news_;
    for (const auto& id : partitions) member_.owned_.erase(id);
  }

  Member& member_;
  std::unique_ptr<testing::ScriptedSource> inner_;
  AssignmentListener* listener_ = nullptr;
};

class Member::Handler : public kinbox::Handler {
 public:
  explicit Handler(Member& member) : member_(member) {}

  void handle(const Event& event, Transaction& tx) override {
    const auto& record = event.record();
    tx.execute(kInsertEffect, event.id(), as_text(*event.key()), record.topic(), record.partition(),
               record.offset(), as_text(*record.value()), member_.incarnation_);
    behave(member_.world_.story.event(event.id()), tx);
  }

 private:
  void behave(PlannedEvent& event, Transaction& tx) {
    switch (event.conduct) {
      case Conduct::kFine:
      case Conduct::kNobodyTakesIt:
        return;
      case Conduct::kTransient:
        return fail_for_now(event, tx);
      case Conduct::kSlow:
        return member_.world_.time.advance(std::chrono::seconds{20});
      case Conduct::kRejects:
        throw BusinessRejection("no");
      case Conduct::kThrows:
        throw std::runtime_error("never");
      case Conduct::kViolatesConstraint:
        tx.execute(kViolate);
        return;
      case Conduct::kSwallowsSqlError:
        return swallow(tx);
      case Conduct::kViolatesAtCommit:
        tx.execute(kViolateAtCommit);
        return;
      case Conduct::kCommitsItself:
        tx.execute("COMMIT");
        return;
      case Conduct::kKillsConnection:
        member_.event_kills_connection_ = true;
        tx.query("SELECT 1");
        return;
    }
  }

  void fail_for_now(PlannedEvent& event, Transaction& tx) {
    if (event.failures_left-- <= 0) return;
    if (event.key == "k0") tx.execute(kViolate);
    if (event.key == "k1") throw RetryableError("later", std::chrono::milliseconds{300});
    throw std::runtime_error("not yet");
  }

  static void swallow(Transaction& tx) {
    try {
      tx.execute(kViolate);
    } catch (const SqlError&) {
      // The mistake that this event is about.
    }
  }

  Member& member_;
};

Member::Member(World& world, int incarnation)
    : world_(world), incarnation_(incarnation), fiber_([this] { live(); }) {
  auto source = std::make_unique<Source>(*this, world_.log.member());
  source_ = source.get();
  auto database =
      testing::with_faults(world_.store.connection(), [this](FaultPoint point) { strike(point); });
  worker_ = std::make_unique<Worker>(spec(), world_.options, std::move(source), std::move(database),
                                     *this);
}

Member::~Member() {
  crash();
  while (!over()) resume();
}

ConsumerSpec Member::spec() {
  ConsumerSpec spec;
  spec.name = "orders";
  spec.group = "g";
  spec.topics = {"orders.created", "orders.changed"};
  HandlerSpec handler;
  handler.name = "simulated";
  handler.event_types = {"Created"};
  handler.make = [this](const HandlerContext&) { return std::make_unique<Handler>(*this); };
  spec.handlers.push_back({std::move(handler)});
  return spec;
}

void Member::live() {
  try {
    worker_->run(Worker::Until{}, std::chrono::seconds{30});
    world_.note("left", incarnation_);
  } catch (const Crash&) {
    world_.note("crashed", incarnation_);
  } catch (const FatalSourceError&) {
    world_.note("failed fatally", incarnation_);
  } catch (const std::exception& e) {
    world_.complain("member " + std::to_string(incarnation_) + " ended: " + e.what());
  }
}

void Member::resume() {
  fiber_.resume();
  world_.time.advance(std::chrono::milliseconds{1});
}

void Member::pause() {
  if (!crashed_) fiber_.pause();
  if (crashed_) throw Crash{};
}

void Member::strike(FaultPoint point) {
  if (point == FaultPoint::kBegin) pause();
  if (crashed_) throw Crash{};
  if (std::exchange(event_kills_connection_, false))
    throw InfrastructureError("the server closed the connection");
  if (!armed_) return;
  if (outage_left_ > 0) {
    --outage_left_;
    world_.note("out", incarnation_, outage_left_);
    throw InfrastructureError("scripted outage");
  }
  if (world_.dice.one_in(world_.rates.crash)) {
    world_.note("dies", incarnation_, static_cast<std::int64_t>(point));
    crash();
    throw Crash{};
  }
  if (strikes_ < 2 && world_.dice.one_in(world_.rates.strike)) {
    world_.note("struck", incarnation_, static_cast<std::int64_t>(point));
    begin_trouble();
    throw InfrastructureError("scripted fault");
  }
}

void Member::begin_trouble() {
  ++strikes_;
  if (world_.dice.one_in(3)) outage_left_ = static_cast<int>(1 + world_.dice.below(15));
}

void Member::on_notice(const Notice& notice) {
  if (const auto* assigned = std::get_if<notice::Assigned>(&notice))
    world_.note("took " + assigned->partition.topic, incarnation_, assigned->claim.next_offset);
  if (const auto* committed = std::get_if<notice::Committed>(&notice)) {
    strikes_ = 0;
    world_.note("committed", incarnation_, static_cast<std::int64_t>(committed->records));
  }
  if (const auto* away = std::get_if<notice::Unavailable>(&notice))
    world_.note("waits: " + away->what, incarnation_, away->retry_in.count());
  if (const auto* unclaimed = std::get_if<notice::Unclaimed>(&notice))
    world_.note("cannot take: " + unclaimed->why, incarnation_);
  if (const auto* missed = std::get_if<notice::ClaimMissed>(&notice))
    world_.note("missed " + missed->partition.topic, incarnation_, missed->partition.partition);
}

void Member::assign(const std::vector<TopicPartition>& partitions) {
  ++news_;
  coming_.insert(partitions.begin(), partitions.end());
  source_->script().assign(partitions);
}

void Member::revoke(const std::vector<TopicPartition>& partitions, Revocation how) {
  ++news_;
  source_->script().revoke(partitions, how);
}

void Member::step_back(const TopicPartition& partition, Offset offset) {
  if (is_settled() && owned_.contains(partition)) source_->script().step_back(partition, offset);
}

void Member::lose_broker(int count) {
  if (armed_) source_->script().lose_broker(count);
}

void Member::fail_fatally() { source_->script().fail_fatally("fenced by another instance"); }

void Member::stop() { worker_->stop(); }

bool Member::has(const TopicPartition& partition) const {
  return owned_.contains(partition) || coming_.contains(partition);
}

}  // namespace kinbox::simulation
