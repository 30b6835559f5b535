#include "core/failed_events.hpp"

#include <utility>

#include "core/attempt_times.hpp"
#include "core/coordinates_text.hpp"
#include "core/ladder.hpp"
#include "core/own_statements.hpp"
#include "kinbox/reason.hpp"

namespace kinbox {
namespace {

using Clock = std::chrono::steady_clock;
using State = OwnedPartition::State;
using std::chrono::milliseconds;

Timestamp now() { return std::chrono::floor<milliseconds>(std::chrono::system_clock::now()); }

std::string place_of(const BatchItem& item) {
  return coordinates_text(item.partition->id, item.record->offset());
}

std::string handler_of(const BatchItem& item) {
  return item.handler != nullptr ? item.handler->name : std::string();
}

milliseconds count_attempt(const BatchItem& item, Failure& failure) {
  auto& partition = *item.partition;
  const bool again = partition.failing_offset == item.record->offset();
  if (!again) partition.failing_since = Clock::now();
  failure.attempts = again ? partition.failure.attempts + 1 : 1;
  const auto moment = now();
  failure.first_failed_at = again ? partition.failure.first_failed_at : moment;
  failure.failed_at =
      with_attempt(again ? partition.failure.failed_at : std::vector<Timestamp>(), moment);
  failure.handler = handler_of(item);
  partition.failing_offset = item.record->offset();
  partition.failure = failure;
  return std::chrono::duration_cast<milliseconds>(Clock::now() - partition.failing_since);
}

/// Why no more events may wait; empty if they may.
std::string fullness(const BatchItem& item, const ParkPolicy& park, std::size_t planned) {
  const auto& parked = item.partition->parked;
  const auto of_key = parked.waiting(queue_of(*item.record)) + planned;
  if (of_key >= park.max_per_key)
    return std::to_string(of_key) + " events of the key of " + place_of(item) +
           " wait in parked_events (max_per_key); look at `kinbox parked list`";
  if (parked.waiting() + planned >= park.max_parked)
    return std::to_string(parked.waiting() + planned) +
           " events of the partition wait in parked_events (max_parked), " + place_of(item) +
           " would be one more; look at `kinbox parked list`";
  return {};
}

}  // namespace

FailedEvents::FailedEvents(Parts parts) : parts_(std::move(parts)) {}

const OnError& FailedEvents::on_error_of(const BatchItem& item) const {
  const bool own = item.handler != nullptr && item.handler->on_error;
  return own ? *item.handler->on_error : parts_.on_error;
}

const OnError& FailedEvents::ladder_of(const BatchItem& item, const Diagnosis& diagnosis) const {
  return ladder_for(on_error_of(item), diagnosis.error_class, diagnosis.failure.error_code);
}

void FailedEvents::settle(BatchItem& item, const std::exception_ptr& error) {
  auto diagnosis = diagnose(error);
  if (item.waited) return settle_waited(item, std::move(diagnosis));
  const auto elapsed = count_attempt(item, diagnosis.failure);
  const auto& ladder = ladder_of(item, diagnosis);
  const auto delay =
      retry_delay(ladder, diagnosis, diagnosis.failure.attempts, elapsed, uniform_(random_));
  if (delay) return wait(item, diagnosis, *delay);
  end(item, std::move(diagnosis.failure), after_retries(ladder, diagnosis), ladder);
}

void FailedEvents::settle_waited(BatchItem& item, Diagnosis diagnosis) {
  auto& waited = *item.waited;
  auto& failure = diagnosis.failure;
  const bool tried = waited.attempts > 0;
  failure.attempts = waited.attempts + 1;
  const auto moment = now();
  failure.first_failed_at = waited.first_failed_at.value_or(moment);
  failure.failed_at = with_attempt(waited.failed_at, moment);
  failure.handler = handler_of(item);
  if (waited.place == Waited::Place::kLetter) {
    item.failure = std::move(failure);
    return decide(item, Verdict::kDead);
  }
  // The first try after it was parked is no failed one yet; neither is the first of all of an event
  // that waited behind another.
  if (tried) ++waited.tries;
  const auto& ladder = ladder_of(item, diagnosis);
  if (const auto delay = park_delay(ladder, diagnosis, waited.tries)) {
    item.failure = std::move(failure);
    item.due_in = delay;
    return decide(item, Verdict::kParked);
  }
  end(item, std::move(failure), ladder.then == Then::kPark ? ladder.park.then : ladder.then,
      ladder);
}

void FailedEvents::give_up(BatchItem& item, Failure failure) {
  failure.handler = handler_of(item);
  failure.first_failed_at =
      item.waited && item.waited->first_failed_at ? item.waited->first_failed_at : now();
  if (item.waited) failure.failed_at = item.waited->failed_at;
  if (item.waited && item.waited->place == Waited::Place::kLetter) {
    item.failure = std::move(failure);
    return decide(item, Verdict::kDead);
  }
  Diagnosis hopeless;
  hopeless.permanent = true;
  const auto& ladder = on_error_of(item);
  end(item, std::move(failure), after_retries(ladder, hopeless), ladder);
}

void FailedEvents::wait(const BatchItem& item, const Diagnosis& diagnosis, milliseconds delay) {
  auto& partition = *item.partition;
  partition.state = State::kWaiting;
  partition.retry_at = Clock::now() + delay;
  const auto& retry = ladder_of(item, diagnosis).retry;
  parts_.observer.on_notice(notice::RetryScheduled{partition.id, item.record->offset(),
                                                   item.event->id(), retry.max_attempts, delay,
                                                   diagnosis.failure});
}

void FailedEvents::end(BatchItem& item, Failure failure, Then then, const OnError& ladder) {
  item.failure = std::move(failure);
  switch (then) {
    case Then::kHalt:
      return halt(item, item.failure.reason + ": " + item.failure.error_text);
    case Then::kSkip:
      return decide(item, Verdict::kSkipped);
    case Then::kDeadLetter:
      return decide(item, Verdict::kDead);
    case Then::kPark:
      return park(item, ladder);
    case Then::kFailOver:
      return fail_over(item, ladder);
  }
}

void FailedEvents::park(BatchItem& item, const OnError& ladder) {
  if (const auto full = fullness(item, ladder.park, 0); !full.empty()) {
    if (ladder.park.when_full == WhenFull::kHalt)
      return halt(item, std::string(reason::kParkedFull) + ": " + full);
    return decide(item, Verdict::kDead);
  }
  item.due_in = ladder.park.delays.front();
  decide(item, Verdict::kParked);
}

std::optional<std::string> FailedEvents::plan_behind(BatchItem& item, std::size_t planned) const {
  const auto& park = on_error_of(item).park;
  const auto full = fullness(item, park, planned);
  item.failure.reason = full.empty() ? reason::kBehindParked : reason::kParkedFull;
  item.failure.error_text = full.empty() ? "an earlier event of its key waits" : full;
  item.failure.handler = handler_of(item);
  if (!full.empty() && park.when_full == WhenFull::kHalt)
    return std::string(reason::kParkedFull) + ": " + full;
  item.planned = full.empty() ? Verdict::kParked : Verdict::kDead;
  item.due_in.reset();
  return std::nullopt;
}

void FailedEvents::fail_over(BatchItem& item, const OnError& ladder) {
  if (!ladder.fail_over.topic.empty()) {
    item.failure.reason = reason::kFailedOver;
    item.forward_to = &ladder.fail_over.topic;
    return decide(item, Verdict::kSkipped);
  }
  item.handler = parts_.handlers.by_name(ladder.fail_over.handler);
  item.planned = Verdict::kApplied;
  const auto outcome = parts_.run_alone(item);
  if (const auto* failed = std::get_if<BatchEventFailed>(&outcome)) {
    auto diagnosis = diagnose(failed->error);
    diagnosis.failure.attempts = item.failure.attempts + 1;
    diagnosis.failure.first_failed_at = item.failure.first_failed_at;
    diagnosis.failure.failed_at = with_attempt(item.failure.failed_at, now());
    diagnosis.failure.handler = handler_of(item);
    const auto& next = ladder_of(item, diagnosis);
    end(item, std::move(diagnosis.failure), after_retries(next, diagnosis), next);
  }
}

void FailedEvents::decide(BatchItem& item, Verdict verdict) {
  item.planned = verdict;
  parts_.run_alone(item);
}

void FailedEvents::open_breaker(BatchItem& item) {
  auto& partition = *item.partition;
  if (item.waited) {
    item.due_in = parts_.probe_every;
    return decide(item, Verdict::kParked);
  }
  const bool news = !std::exchange(partition.breaker_open, true);
  if (news)
    own_transaction(parts_.database, "breaker", [&](OpenTransaction& tx) {
      parts_.progress.open_breaker(tx, partition.id, partition.claim,
                                   item.failure.reason + ": " + item.failure.error_text);
    });
  partition.state = State::kWaiting;
  partition.retry_at = Clock::now() + parts_.probe_every;
  parts_.observer.on_notice(notice::BreakerOpened{partition.id, item.record->offset(),
                                                  item.event ? item.event->id() : std::string(),
                                                  parts_.probe_every, item.failure});
}

void FailedEvents::close_breaker(OwnedPartition& partition) {
  if (!std::exchange(partition.breaker_open, false)) return;
  own_transaction(parts_.database, "breaker", [&](OpenTransaction& tx) {
    parts_.progress.resume(tx, partition.id, partition.claim);
  });
  parts_.observer.on_notice(notice::BreakerClosed{partition.id});
}

void FailedEvents::halt(const BatchItem& item, const std::string& reason) {
  auto& partition = *item.partition;
  own_transaction(parts_.database, "halt", [&](OpenTransaction& tx) {
    parts_.progress.halt(tx, partition.id, partition.claim, reason);
  });
  partition.state = State::kHalted;
  partition.failure.reason = reason;
  parts_.observer.on_notice(notice::Halted{partition.id, item.record->offset(), reason});
}

void FailedEvents::lost(OwnedPartition& partition) {
  partition.state = State::kUnclaimed;
  partition.retry_at = {};
  parts_.observer.on_notice(notice::ClaimMissed{partition.id});
}

}  // namespace kinbox
