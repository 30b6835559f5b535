#include "observe/commit_summary.hpp"

#include "observe/text.hpp"

namespace kinbox::observe {
namespace {

void add(Tally& sum, const Tally& more) {
  sum.applied += more.applied;
  sum.duplicates += more.duplicates;
  sum.parked += more.parked;
  sum.dead += more.dead;
  sum.skipped += more.skipped;
  sum.gaps += more.gaps;
}

}  // namespace

void CommitSummary::add(const notice::Committed& committed) {
  records_ += committed.records;
  observe::add(tally_, committed.tally);
}

std::optional<LogLine> CommitSummary::due(TimePoint now) {
  if (said_ && now - *said_ < kSummaryEvery) return std::nullopt;
  return rest(now);
}

std::optional<LogLine> CommitSummary::rest(TimePoint now) {
  if (records_ == 0 && tally_.sum() == 0) return std::nullopt;
  LogLine line{LogLevel::kInfo, "progress",
               std::to_string(records_) + " records committed: " + to_text(tally_),
               tally_fields(records_, tally_)};
  records_ = 0;
  tally_ = {};
  said_ = now;
  return line;
}

}  // namespace kinbox::observe
