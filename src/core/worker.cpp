#include "kinbox/worker.hpp"

#include <algorithm>
#include <random>
#include <set>
#include <thread>

#include "core/consumer_registration.hpp"
#include "core/control_watch.hpp"
#include "core/dispatcher_parts.hpp"
#include "core/failover_topics.hpp"
#include "core/held_records.hpp"
#include "core/ownership.hpp"
#include "core/partition_lookup.hpp"
#include "core/random_name.hpp"
#include "core/retry_report.hpp"
#include "core/set_aside.hpp"
#include "core/worker_presence.hpp"
#include "kinbox/errors.hpp"

namespace kinbox {
namespace {

using Clock = std::chrono::steady_clock;
using State = OwnedPartition::State;

}  // namespace

class Worker::Impl : public AssignmentListener {
 public:
  Impl(ConsumerSpec consumer, WorkerOptions options, std::unique_ptr<Source> source,
       std::unique_ptr<Database> database, Observer& observer)
      : consumer_(std::move(consumer)),
        options_(options),
        observer_(observer),
        database_(std::move(database)),
        source_(std::move(source)),
        owner_(random_name()),
        registry_(consumer_.handlers, database_->dialect(), consumer_.outbox),
        progress_(consumer_.name, owner_, database_->dialect()),
        set_aside_(consumer_.name, database_->dialect()),
        ownership_({.source = *source_,
                    .database = *database_,
                    .progress = progress_,
                    .set_aside = set_aside_,
                    .observer = observer_,
                    .initial = options_.initial,
                    .backoff = options_.infrastructure,
                    .topic_check = options_.topic_check}),
        control_watch_({.database = *database_,
                        .consumer = consumer_.name,
                        .interval = options_.control_check}),
        presence_({.database = *database_, .consumer = consumer_.name, .owner = owner_}),
        retry_report_({.database = *database_, .owner = owner_}),
        dispatcher_(dispatcher_parts(consumer_, owner_, registry_, observer_), options_.dispatch,
                    *database_) {
    if (consumer_.replies) require_usable(*consumer_.replies, consumer_.topics);
    refuse_own_topics(registry_.ladders(options_.dispatch.on_error), consumer_.topics);
  }

  WorkerResult run(const Until& until, std::chrono::milliseconds drain) {
    if (register_patiently()) {
      source_->subscribe(*this);
      while (!stopped_ && !reached(until)) turn();
    }
    return finish(drain);
  }

  void stop() noexcept { stopped_ = true; }

  std::vector<std::optional<Offset>> on_assigned(
      std::span<const TopicPartition> partitions) override {
    return ownership_.assign(partitions);
  }

  void on_revoked(std::span<const TopicPartition> partitions, Revocation how) override {
    for (const auto& id : partitions) {
      held_.drop(id);
      // The source resumes what it takes away.
      paused_.erase(id);
    }
    ownership_.revoke(partitions, how);
  }

 private:
  /// False when we were stopped before the database and the broker answered.
  bool register_patiently() {
    while (!stopped_) {
      try {
        register_consumer(*database_, consumer_.name, consumer_.group, source_->cluster_id());
        recovered();
        return true;
      } catch (const InfrastructureError& e) {
        back_off(e);
        while (!stopped_ && Clock::now() < *unavailable_until_)
          std::this_thread::sleep_for(std::chrono::milliseconds{20});
      }
    }
    return false;
  }

  /// One round of the loop.
  void turn() {
    ownership_.claim_due();
    ownership_.check_topics();
    look_around();
    auto batch = due_records();
    receive(batch);
    if (!batch.empty()) {
      observer_.on_step(Step::kFetched);
      dispatch(batch);
      hold_rest(batch);
    }
    redrive();
    ownership_.back_off_missed();
    pause_and_resume();
    tell();
  }

  /// Others are to see that we are at work, and we what they did.
  void look_around() {
    if (!available()) return;
    try {
      presence_.renew(ownership_.partitions().size());
      for (auto* partition : control_watch_.changed(ownership_.partitions())) {
        partition->state = State::kUnclaimed;
        partition->retry_at = Clock::now();
        observer_.on_notice(notice::ClaimMissed{partition->id});
      }
      retry_report_.tell(ownership_.partitions());
    } catch (const InfrastructureError& e) {
      // Whoever has something to write meets it too, and waits.
      observer_.on_notice(notice::SourceMessage{7, std::string("not looked around: ") + e.what()});
    }
  }

  void leave() {
    try {
      presence_.leave();
    } catch (const InfrastructureError& e) {
      // Our row runs out by itself.
      observer_.on_notice(notice::SourceMessage{7, std::string("not signed off: ") + e.what()});
    }
  }

  bool available() const { return !unavailable_until_ || Clock::now() >= *unavailable_until_; }

  /// Held records whose wait is over, in order per partition.
  std::vector<Record> due_records() {
    std::vector<Record> due;
    if (!available()) return due;
    for (auto& [id, partition] : ownership_.partitions()) {
      if (partition.state == State::kWaiting && partition.retry_at <= Clock::now())
        partition.state = State::kRunning;
      if (partition.state == State::kRunning) held_.release(id, due);
    }
    return due;
  }

  void receive(std::vector<Record>& batch) {
    auto budget = options_.budget;
    budget.max_records *= dispatcher_.reach();
    budget.max_wait = batch.empty() ? poll_time() : std::chrono::milliseconds{0};
    auto polled = source_->poll(budget);
    for (const auto& trouble : polled.out_of_range) ownership_.out_of_range(trouble);
    for (auto& record : polled.records) {
      // Behind what is held of its partition, or while nobody could take it: its turn comes later.
      if (!available() || (!held_.empty() && held_.holds(record.topic_partition())))
        held_.add(record);
      else
        batch.push_back(std::move(record));
    }
  }

  /// Never longer than until something else is due.
  std::chrono::milliseconds poll_time() const {
    auto until = Clock::now() + options_.budget.max_wait;
    if (const auto claim = ownership_.next_claim()) until = std::min(until, *claim);
    for (const auto& [id, partition] : ownership_.partitions())
      if (partition.state == State::kWaiting)
        until = std::min(until, partition.retry_at);
      else if (const auto due = next_redrive(partition); due && partition.state == State::kRunning)
        until = std::min(until, *due);
    if (unavailable_until_ && !available()) until = std::min(until, *unavailable_until_);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
    return std::max(left, std::chrono::milliseconds{0});
  }

  void dispatch(const std::vector<Record>& batch) {
    try {
      dispatcher_.apply(batch, ownership_.partitions());
      recovered();
    } catch (const InfrastructureError& e) {
      back_off(e);
    }
  }

  void redrive() {
    if (!available() || !redrive_is_due()) return;
    try {
      dispatcher_.redrive(ownership_.partitions());
      recovered();
    } catch (const InfrastructureError& e) {
      back_off(e);
      look_again();
    }
  }

  /// Redriving moves no position, so a COMMIT whose reply was lost does not show by itself.
  void look_again() {
    for (auto& [id, partition] : ownership_.partitions())
      if (next_redrive(partition)) partition.set_aside_unsure = true;
  }

  bool redrive_is_due() const {
    const auto& partitions = ownership_.partitions();
    return std::any_of(partitions.begin(), partitions.end(), [](const auto& entry) {
      const auto due = next_redrive(entry.second);
      return entry.second.state == State::kRunning && due && *due <= Clock::now();
    });
  }

  void back_off(const InfrastructureError& e) {
    // Full jitter: all workers of a database that went down fail at the same moment.
    const auto delay = backoff(options_.infrastructure, ++failures_, uniform_(random_));
    unavailable_until_ = Clock::now() + delay;
    observer_.on_notice(notice::Unavailable{e.what(), delay});
  }

  void recovered() {
    if (failures_ > 0) observer_.on_notice(notice::Available{"database"});
    failures_ = 0;
    unavailable_until_.reset();
  }

  /// What was not decided is kept, in order; what is no longer ours is dropped.
  void hold_rest(const std::vector<Record>& batch) {
    PartitionLookup lookup(ownership_.partitions());
    for (const auto& record : batch) {
      const auto* partition = lookup.find(record);
      if (partition == nullptr) continue;
      if (record.offset() < partition->claim.next_offset) {
        ++decided_;
        continue;
      }
      if (partition->state == State::kRunning || partition->state == State::kWaiting)
        held_.add(record);
    }
  }

  void pause_and_resume() {
    for (const auto& [id, partition] : ownership_.partitions()) {
      const bool fetched = partition.state == State::kRunning || partition.state == State::kWaiting;
      // Only as long as the backoff lasts: the records that failed may have gone with their
      // partition, and then a fresh one must show that the database is back.
      const bool wait = held_.holds(id) || !available();
      if ((fetched && wait) || partition.state == State::kHalted || partition.state == State::kHeld)
        pause(id);
      else
        resume(id);
      if (!fetched) held_.drop(id);
    }
  }

  void pause(const TopicPartition& id) {
    if (paused_.insert(id).second) source_->pause(id);
  }

  void resume(const TopicPartition& id) {
    if (paused_.erase(id) > 0) source_->resume(id);
  }

  void tell() {
    std::vector<PartitionOffset> positions;
    for (auto& [id, partition] : ownership_.partitions()) {
      const auto next = partition.claim.next_offset;
      if (partition.state == State::kUnclaimed || partition.told == next) continue;
      positions.push_back({id, next});
      partition.told = next;
    }
    if (positions.empty()) return;
    observer_.on_step(Step::kBeforeTell);
    source_->tell(positions);
  }

  bool reached(const Until& until) {
    if (until.records && decided_ >= *until.records) return true;
    return until.idle && idle();
  }

  bool idle() {
    if (!ownership_.was_assigned() || !held_.empty() || !available() || redrive_is_due())
      return false;
    const auto& partitions = ownership_.partitions();
    return std::all_of(partitions.begin(), partitions.end(), [&](const auto& entry) {
      const auto& [id, partition] = entry;
      return partition.state == State::kHalted ||
             (partition.state == State::kRunning && source_->at_end(id));
    });
  }

  WorkerResult finish(std::chrono::milliseconds drain) {
    const auto deadline = Clock::now() + drain;
    WorkerResult result;
    result.records = decided_;
    for (const auto& [id, partition] : ownership_.partitions())
      if (partition.state == State::kHalted)
        result.halted.emplace_back(id, partition.failure.reason);
    source_->close(deadline);
    leave();
    return result;
  }

  ConsumerSpec consumer_;
  WorkerOptions options_;
  Observer& observer_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<Source> source_;
  std::string owner_;
  HandlerRegistry registry_;
  Progress progress_;
  SetAside set_aside_;
  Ownership ownership_;
  ControlWatch control_watch_;
  WorkerPresence presence_;
  RetryReport retry_report_;
  Dispatcher dispatcher_;
  HeldRecords held_;
  std::set<TopicPartition> paused_;
  std::int64_t decided_ = 0;
  int failures_ = 0;
  std::optional<Clock::time_point> unavailable_until_;
  std::atomic<bool> stopped_{false};
  std::mt19937_64 random_{std::random_device{}()};
  std::uniform_real_distribution<double> uniform_{0.0, 1.0};
};

Worker::Worker(ConsumerSpec consumer, WorkerOptions options, std::unique_ptr<Source> source,
               std::unique_ptr<Database> database, Observer& observer)
    : impl_(std::make_unique<Impl>(std::move(consumer), options, std::move(source),
                                   std::move(database), observer)) {}
Worker::~Worker() = default;

WorkerResult Worker::run(const Until& until, std::chrono::milliseconds drain) {
  return impl_->run(until, drain);
}

void Worker::stop() noexcept { impl_->stop(); }

}  // namespace kinbox
