#include "kinbox/redriver.hpp"

#include <utility>

#include "core/dispatcher_parts.hpp"
#include "core/own_statements.hpp"
#include "core/random_name.hpp"
#include "core/set_aside.hpp"

namespace kinbox {
namespace {

using Clock = std::chrono::steady_clock;
using State = OwnedPartition::State;

constexpr std::string_view kOwnerAtWork =
    "SELECT 1 FROM {kinbox}.consumer_progress AS p JOIN {kinbox}.workers AS w ON w.owner = p.owner "
    "WHERE p.consumer = $1 AND p.topic = $2 AND p.partition = $3 AND NOT p.clean_stop "
    "AND w.seen_until >= {now}";

bool is_due(const OwnedPartition& partition) {
  const auto due = next_redrive(partition);
  return due && *due <= Clock::now();
}

}  // namespace

class Redriver::Impl {
 public:
  Impl(ConsumerSpec consumer, DispatcherOptions options, std::unique_ptr<Database> database,
       Observer& observer)
      : consumer_(std::move(consumer)),
        database_(std::move(database)),
        owner_(random_name()),
        owner_at_work_(database_->dialect().render(kOwnerAtWork)),
        registry_(consumer_.handlers, database_->dialect(), consumer_.outbox),
        progress_(consumer_.name, owner_, database_->dialect()),
        set_aside_(consumer_.name, database_->dialect()),
        dispatcher_(dispatcher_parts(consumer_, owner_, registry_, observer), std::move(options),
                    *database_) {}

  Outcome run(const TopicPartition& id) {
    OwnedPartitions partitions;
    auto& partition = partitions[id];
    partition.id = id;
    if (const auto refused = take(partition)) return *refused;
    while (partition.state == State::kRunning && is_due(partition)) dispatcher_.redrive(partitions);
    if (partition.state != State::kRunning) return Outcome::kStopped;
    own_transaction(*database_, "leave",
                    [&](OpenTransaction& tx) { progress_.leave(tx, id, partition.claim); });
    return Outcome::kDone;
  }

 private:
  std::optional<Outcome> take(OwnedPartition& partition) {
    std::optional<Outcome> refused;
    OwnedPartition* const only = &partition;
    own_transaction(*database_, "take", [&](OpenTransaction& tx) {
      const auto& id = partition.id;
      if (!tx.query(owner_at_work_, consumer_.name, id.topic, id.partition).empty()) {
        refused = Outcome::kOwned;
        return;
      }
      const auto claim = progress_.take(tx, id, database_->session());
      if (!claim) {
        refused = Outcome::kUnknown;
        return;
      }
      if (claim->held_by) {
        progress_.leave(tx, id, *claim);
        refused = Outcome::kHeld;
        return;
      }
      partition.claim = *claim;
      partition.state = State::kRunning;
      set_aside_.load(tx, {&only, 1});
    });
    return refused;
  }

  ConsumerSpec consumer_;
  std::unique_ptr<Database> database_;
  std::string owner_;
  std::string owner_at_work_;
  HandlerRegistry registry_;
  Progress progress_;
  SetAside set_aside_;
  Dispatcher dispatcher_;
};

Redriver::Redriver(ConsumerSpec consumer, DispatcherOptions options,
                   std::unique_ptr<Database> database, Observer& observer)
    : impl_(std::make_unique<Impl>(std::move(consumer), std::move(options), std::move(database),
                                   observer)) {}
Redriver::~Redriver() = default;

Redriver::Outcome Redriver::run(const TopicPartition& partition) { return impl_->run(partition); }

}  // namespace kinbox
