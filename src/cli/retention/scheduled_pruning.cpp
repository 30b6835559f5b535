#include "cli/retention/scheduled_pruning.hpp"

#include <algorithm>
#include <utility>

#include "cli/retention/short_windows.hpp"
#include "cli/retention/space.hpp"
#include "core/own_statements.hpp"
#include "core/random_name.hpp"
#include "core/retention/pruning_lease.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/retention.hpp"

namespace kinbox::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// Renewed by what is deleted; a walk that finds nothing is over sooner.
constexpr milliseconds kLease = std::chrono::minutes{10};
/// How often it looks whether something is due; another process may have ended meanwhile.
constexpr milliseconds kLook = std::chrono::minutes{1};

/// What belongs to no consumer.
constexpr const char* kShared = "";

std::string text_of(const Pruner::Report& report) {
  std::string text;
  std::string_view last;
  std::int64_t rows = 0;
  const auto say = [&] {
    if (rows == 0) return;
    text += (text.empty() ? "" : ", ") + std::to_string(rows) + " of " + std::string(last);
  };
  for (const auto& of : report) {
    if (of.what != last) {
      say();
      rows = 0;
    }
    last = of.what;
    rows += of.rows;
  }
  say();
  return text;
}

}  // namespace

ScheduledPruning::ScheduledPruning(const RetentionConfig& retention,
                                   std::vector<ConsumerConfig> consumers, DatabaseFactory databases,
                                   AskTopic ask, observe::Log& log)
    : retention_(retention),
      consumers_(std::move(consumers)),
      databases_(std::move(databases)),
      ask_(std::move(ask)),
      log_(log),
      token_(random_name()) {}

void ScheduledPruning::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void ScheduledPruning::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    try {
      run_once(stop);
    } catch (const std::exception& e) {
      // Consumers need not stand for it, and nothing is urgent.
      log_.warning("pruning", std::string("not pruned now, but later: ") + e.what());
    }
    std::unique_lock lock(mutex_);
    resting_.wait_for(lock, stop, std::min(kLook, *retention_.every), [] { return false; });
  }
}

void ScheduledPruning::run_once(const std::stop_token& stop) {
  if (!database_) database_ = databases_();
  std::vector<std::string> scopes;
  for (const auto& consumer : consumers_) scopes.push_back(consumer.name);
  scopes.emplace_back(kShared);
  for (const auto& scope : scopes) {
    if (stop.stop_requested() || !acquire(scope)) continue;
    prune(scope, stop);
    release(scope);
  }
}

bool ScheduledPruning::acquire(const std::string& scope) {
  bool acquired = false;
  const PruningLease lease(scope, token_, database_->dialect());
  own_transaction(*database_, "prune", [&](OpenTransaction& tx) {
    acquired = lease.acquire(tx, *retention_.every, kLease);
  });
  return acquired;
}

void ScheduledPruning::release(const std::string& scope) {
  const PruningLease lease(scope, token_, database_->dialect());
  own_transaction(*database_, "prune", [&](OpenTransaction& tx) { lease.release(tx); });
}

void ScheduledPruning::prune(const std::string& scope, const std::stop_token& stop) {
  const PruningLease lease(scope, token_, database_->dialect());
  auto renewed = steady_clock::now();
  PruneOptions options;
  options.go_on = true;
  options.on_rows = [&](OpenTransaction& tx, std::int64_t) {
    if (steady_clock::now() - renewed < kLease / 4) return;
    lease.renew(tx, kLease);
    renewed = steady_clock::now();
  };
  try {
    Pruner pruner(*database_, usable(scope), std::move(options));
    const auto report = scope == kShared ? pruner.prune_shared(stop) : pruner.prune(scope, stop);
    const auto text = text_of(report);
    if (!text.empty())
      log_.write(scope, {observe::LogLevel::kInfo, "pruned", "rows deleted: " + text});
    if (const auto advice = advice_about(give_back_space(*database_, stop)); !advice.empty())
      log_.write(scope, {observe::LogLevel::kDebug, "pruned", advice});
  } catch (const RefusedError& e) {
    log_.write(scope, {observe::LogLevel::kInfo, "pruning", std::string("not now: ") + e.what()});
  }
}

RetentionWindows ScheduledPruning::usable(const std::string& scope) {
  auto windows = retention_.windows;
  const std::string name = scope == kShared ? "mail" : scope;
  auto& guarding = scope == kShared ? windows.mail : windows.inbox;
  if (!guarding) return windows;
  auto guards = guarding_windows(retention_, consumers_, *database_);
  std::erase_if(guards, [&](const auto& of) { return of.name != name; });
  try {
    if (short_windows(guards, retention_.margin, retention_.confirm, ask_).empty()) return windows;
    log_.write(scope, {observe::LogLevel::kDebug, "pruning",
                       guards[0].setting + " is too short for a topic, and is left alone"});
  } catch (const Error& e) {
    log_.write(scope, {observe::LogLevel::kWarning, "pruning",
                       guards[0].setting +
                           " is left alone: how long topics keep their records cannot be asked: " +
                           e.what()});
  }
  guarding.reset();
  return windows;
}

}  // namespace kinbox::cli
