#include "postgres/pipeline.hpp"

#include <algorithm>
#include <utility>

#include "kinbox/errors.hpp"
#include "postgres/cancel.hpp"
#include "postgres/result_rows.hpp"

namespace kinbox::postgres {
namespace {

// What may be unanswered: the answers must fit into the socket's buffers while nobody reads them.
constexpr std::size_t kMaxPending = 1'000;
constexpr std::size_t kMaxPendingBytes = 1 << 20;

// So many statements leave together. Each group ends with a sync: between two groups the server
// counts the session as idle in its transaction, and ends it when we are frozen.
constexpr std::size_t kGroup = 128;

// A server that does not answer to a cancel in that time is ill, and no event's fault.
constexpr std::chrono::seconds kAfterCancel{3};

}  // namespace

void Pipeline::send(Sender sender, std::string_view sql, std::span<const SqlParam> params) {
  parameters_.assign(params);
  connection_.queue_prepared(prepare(sender, sql), parameters_);
  sent(Kind::kStatement, sender, parameters_.size());
}

void Pipeline::send_text(Sender sender, const char* text) {
  connection_.queue(text);
  sent(Kind::kStatement, sender, 0);
}

const std::string& Pipeline::prepare(Sender sender, std::string_view sql) {
  auto& statements = connection_.statements();
  if (const auto* name = statements.find(sql)) return *name;
  if (const auto oldest = statements.make_room())
    send_text(sender, ("DEALLOCATE " + *oldest).c_str());
  std::string text(sql);
  const auto name = statements.next_name();
  connection_.queue_prepare(name, text);
  statements.add(sql, name);
  const auto size = text.size();
  sent(Kind::kPrepare, sender, size, std::move(text));
  return *statements.find(sql);
}

void Pipeline::sent(Kind kind, Sender sender, std::size_t bytes, std::string sql) {
  pending_.push_back({kind, sender, std::move(sql)});
  pending_bytes_ += bytes;
  if (++since_sync_ >= kGroup && kind == Kind::kStatement) push();
}

void Pipeline::push() {
  if (!begun_) return;
  if (since_sync_ > 0) sync();
  connection_.push();
}

void Pipeline::sync() {
  connection_.queue_sync();
  pending_.push_back({Kind::kSync, {}, {}});
  since_sync_ = 0;
}

bool Pipeline::full() const noexcept {
  return pending_.size() >= kMaxPending || pending_bytes_ >= kMaxPendingBytes;
}

void Pipeline::flush() {
  if (since_sync_ > 0) sync();
  connection_.flush(connection_.call_deadline());
}

Pipeline::Answers Pipeline::await(std::optional<Limit> limit) {
  flush();
  Answers answers;
  auto others = others_before_own(limit);
  while (!pending_.empty()) {
    if (limit && others.groups == 0) {
      if (std::exchange(others.waited, false)) limit->clock.restart();
      answers.cancelled = answers.cancelled || cancel_if_late(limit->clock);
    }
    const auto pending = std::move(pending_.front());
    pending_.pop_front();
    if (others.groups > 0) --others.groups;
    auto result =
        answer_to(pending, answers.cancelled ? after(kAfterCancel) : connection_.call_deadline());
    if (!result && answers.failure) break;  // what the server said last, before it went
    if (!result) {
      connection_.abandon();
      throw InfrastructureError("PostgreSQL: the connection closed without an answer");
    }
    note(pending, std::move(result), answers);
    if (answers.failure && connection_.lost()) break;
  }
  if (limit && (others.waited || others.mixed)) limit->clock.restart();
  answers.mixed = others.mixed;
  pending_.clear();
  pending_bytes_ = 0;
  begun_ = begun_ || !answers.failure;
  return answers;
}

/// The server keeps its answers back until the end of a group.
Pipeline::Others Pipeline::others_before_own(const std::optional<Limit>& limit) const {
  Others others;
  if (!limit) return others;
  std::size_t in_group = 0;
  for (const auto& pending : pending_) {
    const auto number = pending.sender.number;
    if (pending.kind == Kind::kSync) {
      others.groups += in_group + 1;
      in_group = 0;
      others.waited = others.waited || std::exchange(others.mixed, false);
      continue;
    }
    if (number > limit->last_of_others) return others;
    ++in_group;
    // 0 is nobody's: a look at the catalogue, say, for the handler's sake.
    others.mixed = others.mixed || number != 0;
  }
  return others;
}

bool Pipeline::cancel_if_late(const HandlerClock& clock) {
  if (connection_.has_result_by(clock.deadline())) return false;
  if (cancel(connection_.raw(), after(kAfterCancel))) return true;
  connection_.abandon();
  throw InfrastructureError(
      "PostgreSQL: the handler's time is over, and its statement cannot be cancelled: the server "
      "cannot be reached; connection dropped");
}

ResultHandle Pipeline::answer_to(const Pending& pending, Deadline deadline) {
  auto first = connection_.next_result(deadline);
  if (pending.kind == Kind::kSync || !first) return first;
  if (is_copy(*first)) {
    // Only data would get the connection out of this state.
    connection_.abandon();
    return first;
  }
  while (connection_.next_result(deadline)) continue;
  return first;
}

void Pipeline::note(const Pending& pending, ResultHandle result, Answers& answers) {
  const bool done = succeeded(*result);
  if (pending.kind == Kind::kPrepare && !done) connection_.statements().forget(pending.sql);
  if (pending.kind == Kind::kSync || answers.failure) return;
  if (!done) {
    answers.failure = Failure{std::move(result), pending.sender};
  } else if (pending.kind == Kind::kStatement) {
    note_affected(pending.sender.number, *result);
    answers.last = std::move(result);
  }
}

void Pipeline::note_affected(StatementNumber number, PGresult& result) {
  if (number < 1) return;
  answered_ = std::max(answered_, number);
  affected_.resize(static_cast<std::size_t>(answered_) + 1);
  affected_[static_cast<std::size_t>(number)] = postgres::affected_rows(result);
}

std::int64_t Pipeline::affected_rows(StatementNumber number) const {
  return affected_.at(static_cast<std::size_t>(number));
}

}  // namespace kinbox::postgres
