#include "core/replay/replay_trial.hpp"

#include <algorithm>
#include <exception>
#include <optional>
#include <string_view>
#include <utility>

#include "core/error_group.hpp"
#include "core/failure.hpp"
#include "core/handler_calls.hpp"
#include "core/own_statements.hpp"
#include "core/random_name.hpp"
#include "core/replay/replay_crashes.hpp"
#include "core/replay/replay_events.hpp"
#include "core/replay/replay_rows.hpp"
#include "core/replay/trial_rows.hpp"
#include "kinbox/inbox.hpp"

namespace kinbox {
namespace {

struct Tried {
  const Record* record = nullptr;
  Event event;
  const HandlerRegistry::Entry* handler = nullptr;
  Offset trusted_from = 0;
  /// It has its effect already, which is to be undone first.
  bool applied = false;
};

/// What one transaction found out, before it was rolled back.
struct Found {
  std::size_t succeeded = 0;
  /// The event behind those.
  std::exception_ptr failed;
  std::size_t outgoing = 0;
};

}  // namespace

class ReplayTrial::Impl {
 public:
  explicit Impl(Parts parts)
      : consumer_(std::move(parts.consumer)),
        options_(std::move(parts.options)),
        database_(std::move(parts.database)),
        plan_(std::move(parts.plan)),
        treat_as_new_(parts.treat_as_new),
        registry_(consumer_.handlers, database_->dialect(), consumer_.outbox),
        events_({consumer_.decoder, registry_, plan_.filter, options_.older_than}),
        inbox_(consumer_.name, database_->dialect()),
        rows_(database_->dialect()),
        trial_rows_(database_->dialect()),
        crashes_({.database = *database_,
                  .of = ReplayCrashes::Of::kTrial,
                  .first_batch = options_.max_batch,
                  .max_crashes = options_.max_crashes}) {
    for (const auto& partition : plan_.partitions)
      partitions_[partition.slice.partition] = &partition;
  }

  void apply(std::span<const Record> records) {
    take();
    auto all = tried_of(records);
    look_up(all);
    std::span<const Tried> rest(all);
    while (!rest.empty()) rest = rest.subspan(run(rest.first(limit(rest.size()))));
  }

  void leave() {
    if (id_ == 0) return;
    own_transaction(*database_, "leave trial",
                    [&](OpenTransaction& tx) { rows_.leave(tx, id_, owner_); });
  }

  Result finish() {
    own_transaction(*database_, "end trial",
                    [&](OpenTransaction& tx) { trial_rows_.end(tx, id_, owner_); });
    auto result = result_;
    for (const auto& [id, group] : groups_) result.groups.push_back(group);
    std::ranges::stable_sort(result.groups, std::ranges::greater{}, &Group::events);
    return result;
  }

 private:
  void take() {
    if (id_ != 0) return;
    std::int64_t id = 0;
    own_transaction(*database_, "begin trial", [&](OpenTransaction& tx) {
      id = trial_rows_.take(tx, plan_, owner_,
                            [&](std::int64_t trial) { crashes_.take(tx, trial, owner_); });
    });
    id_ = id;
  }

  std::size_t limit(std::size_t wanted) const { return std::min(wanted, options_.max_batch); }

  std::vector<Tried> tried_of(std::span<const Record> records) {
    std::vector<Tried> tried;
    for (const auto& record : records) {
      const auto partition = partitions_.find(record.topic_partition());
      if (partition == partitions_.end()) continue;
      auto found = events_.find(record);
      if (found.kind != ReplayEvents::Kind::kMeant) {
        if (found.kind != ReplayEvents::Kind::kOutside) ++result_.passed_over;
        continue;
      }
      tried.push_back({.record = &record,
                       .event = std::move(*found.event),
                       .handler = found.handler,
                       .trusted_from = partition->second->trusted_from});
    }
    return tried;
  }

  /// Removes what is not to be tried.
  void look_up(std::vector<Tried>& tried) {
    std::vector<std::string_view> ids;
    for (const auto& one : tried) ids.push_back(one.event.id());
    std::vector<std::optional<Inbox::Entry>> entries;
    own_transaction(*database_, "trial",
                    [&](OpenTransaction& tx) { entries = inbox_.find(tx, ids); });
    std::size_t at = 0;
    std::erase_if(tried, [&](Tried& one) { return !is_tried(one, entries[at++]); });
  }

  bool is_tried(Tried& one, const std::optional<Inbox::Entry>& entry) {
    one.applied = entry && entry->verdict == Verdict::kApplied;
    if (one.applied && !one.handler->traits.reprocessable) {
      ++result_.by_handler[one.handler->name].not_tried;
      return false;
    }
    const bool unknown = !entry && one.record->offset() < one.trusted_from;
    if ((unknown && !treat_as_new_) || (entry && entry->verdict == Verdict::kSkipped)) {
      ++result_.passed_over;
      return false;
    }
    return true;
  }

  static ReplayCrashes::Place place_of(const Tried& one) {
    return {one.record->topic_partition(), one.record->offset()};
  }
  bool stands_alone(const Tried& one) const {
    return crashes_.suspects(place_of(one)) || crashes_.verdict(place_of(one));
  }

  /// How many of them were tried.
  std::size_t run(std::span<const Tried> some) {
    const auto& first = some.front();
    const auto place = place_of(first);
    if (auto crashed = crashes_.verdict(place)) {
      note(first, std::move(*crashed));
      return 1;
    }
    if (crashes_.suspects(place)) return run_alone(first, place);
    const auto odd =
        std::ranges::find_if(some, [&](const Tried& one) { return stands_alone(one); });
    return run_together(some.first(static_cast<std::size_t>(odd - some.begin())));
  }

  std::size_t run_alone(const Tried& one, const ReplayCrashes::Place& place) {
    crashes_.begin(place);
    const auto tried = run_unmarked({&one, 1});
    crashes_.survived();
    crashes_.decided(place.partition);
    ++result_.alone;
    return tried;
  }

  std::size_t run_together(std::span<const Tried> some) {
    std::map<TopicPartition, Offset> firsts;
    for (const auto& one : some)
      firsts.try_emplace(one.record->topic_partition(), one.record->offset());
    crashes_.reached(firsts);
    return run_unmarked(some);
  }

  std::size_t run_unmarked(std::span<const Tried> some) {
    const auto found = try_together(some);
    for (const auto& one : some.first(found.succeeded))
      ++result_.by_handler[one.handler->name].succeeded;
    result_.outgoing += static_cast<std::int64_t>(found.outgoing);
    if (!found.failed) return found.succeeded;
    note(some[found.succeeded], diagnose(found.failed).failure);
    return found.succeeded + 1;
  }

  Found try_together(std::span<const Tried> some) {
    try {
      return try_once(some, false);
    } catch (const StatementSenders::OneOfSeveral&) {
      return try_once(some, true);
    }
  }

  Found try_once(std::span<const Tried> some, bool one_by_one) {
    const auto tx = database_->begin();
    if (one_by_one) tx->send_one_by_one();
    Found found;
    HandlerCalls calls(clock_);
    try {
      own_statements("trial", [&] { rows_.fence(*tx, consumer_.name); });
      prepare(*tx, some);
      calls.begin(*tx, some.size());
      for (const auto& one : some) {
        calls.call(*tx, found.succeeded, *one.handler,
                   {.consumer = consumer_.name, .event = &one.event});
        calls.settled(*tx);
        ++found.succeeded;
      }
      calls.own("trial", [&] { tx->flush(); });
    } catch (const HandlerCalls::Failed& failed) {
      found.succeeded = failed.index;
      found.failed = failed.error;
    }
    // Also of those that ran in vain behind a failure: a hint, no sum.
    found.outgoing = found.failed ? 0 : tx->outbox_rows();
    tx->rollback();
    return found;
  }

  void prepare(OpenTransaction& tx, std::span<const Tried> some) {
    ReplayRange range{.consumer = consumer_.name, .generation = 0, .slices = {}, .filter = {}};
    range.filter = plan_.filter;
    for (const auto& partition : plan_.partitions) range.slices.push_back(partition.slice);
    std::vector<const HandlerRegistry::Entry*> prepared;
    for (const auto& one : some) {
      if (!one.applied || std::ranges::find(prepared, one.handler) != prepared.end()) continue;
      prepared.push_back(one.handler);
      const HandlerScope scope(tx, {.consumer = consumer_.name});
      one.handler->handler->prepare_reprocess(range, tx);
    }
    // What fails here is the preparation's fault, no event's.
    tx.flush();
  }

  void note(const Tried& one, Failure failure) {
    failure.handler = one.handler->name;
    ++result_.by_handler[one.handler->name].failed;
    const auto id = error_group(failure);
    auto& group = groups_[id];
    if (++group.events > 1) return;
    group.id = id;
    group.failure = std::move(failure);
    group.sample_event = one.event.id();
    group.sample_partition = one.record->topic_partition();
    group.sample_offset = one.record->offset();
  }

  ConsumerSpec consumer_;
  DispatcherOptions options_;
  std::unique_ptr<Database> database_;
  ReplayPlan plan_;
  bool treat_as_new_;
  HandlerRegistry registry_;
  ReplayEvents events_;
  Inbox inbox_;
  ReplayRows rows_;
  TrialRows trial_rows_;
  ReplayCrashes crashes_;
  std::string owner_ = random_name();
  std::int64_t id_ = 0;
  HandlerClock clock_;
  std::map<TopicPartition, const ReplayPlan::Partition*> partitions_;
  Result result_;
  std::map<std::string, Group> groups_;
};

ReplayTrial::ReplayTrial(Parts parts) : impl_(std::make_unique<Impl>(std::move(parts))) {}
ReplayTrial::~ReplayTrial() = default;

void ReplayTrial::apply(std::span<const Record> records) { impl_->apply(records); }
ReplayTrial::Result ReplayTrial::finish() { return impl_->finish(); }
void ReplayTrial::leave() { impl_->leave(); }

}  // namespace kinbox
