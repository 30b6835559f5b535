#include <utility>

#include "core/own_statements.hpp"
#include "core/retention/done_letters.hpp"
#include "core/retention/done_rows.hpp"
#include "core/retention/inbox_prune.hpp"
#include "core/retention/replay_guard.hpp"
#include "kinbox/retention.hpp"

namespace kinbox {
namespace {

/// What belongs to one consumer.
template <typename Call>
void for_consumer(Database& database, const std::string& consumer, const RetentionWindows& windows,
                  const PruneOptions& options, Call call) {
  if (windows.inbox) call(InboxPrune(database, consumer, *windows.inbox, options));
  if (windows.dead_letters) call(DoneLetters(database, consumer, *windows.dead_letters, options));
  if (windows.replays) call(DoneRows(database, kDoneReplays, consumer, *windows.replays, options));
}

template <typename Call>
void for_all(Database& database, const RetentionWindows& windows, const PruneOptions& options,
             Call call) {
  if (windows.outbox) call(DoneRows(database, kDoneOutbox, "", *windows.outbox, options));
  if (windows.mail) call(DoneRows(database, kDoneMail, "", *windows.mail, options));
  if (windows.audit) call(DoneRows(database, kDoneAudit, "", *windows.audit, options));
}

}  // namespace

Pruner::Pruner(Database& database, RetentionWindows windows, PruneOptions options)
    : database_(database), windows_(windows), options_(std::move(options)) {}

Pruner::Report Pruner::prune(const std::string& consumer, const std::stop_token& stop) {
  if (!options_.beside_replay)
    own_transaction(database_, "prune",
                    [&](OpenTransaction& tx) { refuse_beside_replay(tx, consumer); });
  Report report;
  Pace pace(options_.rest, stop);
  for_consumer(database_, consumer, windows_, options_,
               [&](auto&& rows) { rows.run(pace, report); });
  return report;
}

Pruner::Report Pruner::prune_shared(const std::stop_token& stop) {
  Report report;
  Pace pace(options_.rest, stop);
  for_all(database_, windows_, options_, [&](auto&& rows) { rows.run(pace, report); });
  return report;
}

Pruner::Report Pruner::preview(const std::string& consumer) {
  Report report;
  for_consumer(database_, consumer, windows_, options_, [&](auto&& rows) { rows.preview(report); });
  return report;
}

Pruner::Report Pruner::preview_shared() {
  Report report;
  for_all(database_, windows_, options_, [&](auto&& rows) { rows.preview(report); });
  return report;
}

}  // namespace kinbox
