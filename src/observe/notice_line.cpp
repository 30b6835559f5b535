#include "observe/notice_line.hpp"

#include "core/coordinates_text.hpp"
#include "observe/text.hpp"

namespace kinbox::observe {
namespace {

using namespace std::string_literals;

LogLine about(LogLevel level, std::string kind, const TopicPartition& partition,
              const std::string& text) {
  return {level,
          std::move(kind),
          partition_text(partition) + ": " + text,
          {{"topic", partition.topic}, {"partition", std::int64_t{partition.partition}}}};
}

/// A line about one record: `orders/3@4211 event e-17: text`.
template <typename RecordNotice>
LogLine about_record(LogLevel level, std::string kind, const RecordNotice& n,
                     const std::string& text) {
  const auto event = n.event_id.empty() ? ""s : " event " + n.event_id;
  LogLine line = about(level, std::move(kind), n.partition, "");
  line.text = coordinates_text(n.partition, n.offset) + event + ": " + text;
  line.fields.emplace_back("offset", n.offset);
  if (!n.event_id.empty()) line.fields.emplace_back("event_id", n.event_id);
  return line;
}

void add_failure(LogLine& line, const Failure& failure) {
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) line.fields.emplace_back(name, value);
  };
  add("reason", failure.reason);
  add("handler", failure.handler);
  add("error_type", failure.error_type);
  add("error_code", failure.error_code);
  add("error", loggable_error(failure.error_text));
  line.fields.emplace_back("attempts", std::int64_t{failure.attempts});
}

LogLine about_mail(LogLevel level, std::string kind, const notice::Mail& mail,
                   const std::string& text) {
  return {level,
          std::move(kind),
          "mail " + std::to_string(mail.id) + " " + mail.message_id + ": " + text,
          {{"mail", mail.id}, {"message_id", mail.message_id}}};
}

/// "order_view: SqlError 23505: duplicate key ..."
std::string cause(const Failure& failure) {
  std::string text;
  if (!failure.handler.empty()) text += failure.handler + ": ";
  text += failure.error_type;
  if (!failure.error_code.empty())
    text += (failure.error_type.empty() ? "" : " ") + failure.error_code;
  const auto error = loggable_error(failure.error_text);
  if (!error.empty()) text += (text.empty() || text.ends_with(": ") ? "" : ": ") + error;
  return text;
}

/// " (retries_exhausted): order_view: ..."
std::string why(const Failure& failure) {
  const auto text = cause(failure);
  return " (" + failure.reason + ")" + (text.empty() ? "" : ": " + text);
}

/// What a partition's last owner left behind that did not leave in order.
std::string doubt(const std::optional<Suspicion>& suspicion) {
  if (!suspicion) return "";
  auto text = "; its last owner did not leave in order: one record at a time at first"s;
  if (suspicion->attempted && suspicion->crashes > 0)
    text += ". Offset " + std::to_string(*suspicion->attempted) + " was the last thing of " +
            std::to_string(suspicion->crashes) +
            (suspicion->crashes == 1 ? " process" : " processes");
  return text;
}

struct ToLine {
  LogLine operator()(const notice::Assigned& n) const {
    auto line = about(LogLevel::kInfo, "assigned", n.partition,
                      "ours, from offset " + std::to_string(n.claim.next_offset) + " (epoch " +
                          std::to_string(n.claim.epoch) + ")" + doubt(n.claim.suspicion));
    line.fields.emplace_back("next_offset", n.claim.next_offset);
    line.fields.emplace_back("epoch", n.claim.epoch);
    return line;
  }

  LogLine operator()(const notice::Revoked& n) const {
    if (n.lost)
      return about(LogLevel::kWarning, "lost", n.partition,
                   "lost: Kafka took it away without asking, another member may own it already");
    return about(LogLevel::kInfo, "revoked", n.partition, "given up");
  }

  LogLine operator()(const notice::Unclaimed& n) const {
    return about(LogLevel::kWarning, "unclaimed", n.partition,
                 "ours in Kafka, but the database did not give it yet: " + loggable_error(n.why) +
                     "; trying on");
  }

  LogLine operator()(const notice::ClaimMissed& n) const {
    return about(LogLevel::kWarning, "claim_missed", n.partition,
                 "the position moved without us (another owner, an operator, or our own commit "
                 "whose reply was lost); nothing was stored, reading it again");
  }

  LogLine operator()(const notice::Committed& n) const {
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(n.took);
    return {LogLevel::kDebug, "committed",
            std::to_string(n.records) + " records in " + to_text(took) + ": " + to_text(n.tally),
            tally_fields(n.records, n.tally)};
  }

  LogLine operator()(const notice::RetryScheduled& n) const {
    const auto attempt = std::to_string(n.failure.attempts) +
                         (n.max_attempts > 0 ? " of " + std::to_string(n.max_attempts) : ""s);
    auto line = about_record(LogLevel::kWarning, "retry", n,
                             "attempt " + attempt + " failed: " + cause(n.failure) + "; again in " +
                                 to_text(n.delay) + ", its partition waits");
    add_failure(line, n.failure);
    line.fields.emplace_back("retry_in_ms", std::int64_t{n.delay.count()});
    return line;
  }

  LogLine operator()(const notice::DeadLettered& n) const {
    auto line = about_record(LogLevel::kError, "dead_lettered", n,
                             "dead letter" + why(n.failure) +
                                 "; the record is kept in dead_letters, the partition goes on");
    add_failure(line, n.failure);
    return line;
  }

  LogLine operator()(const notice::Parked& n) const {
    auto line =
        about_record(n.due_in ? LogLevel::kWarning : LogLevel::kInfo, "parked", n,
                     n.due_in ? "parked" + why(n.failure) + "; tried again in " +
                                    to_text(*n.due_in) + ", later events of its key wait behind it"
                              : "parked behind an earlier event of its key");
    if (n.due_in) add_failure(line, n.failure);
    return line;
  }

  LogLine operator()(const notice::Skipped& n) const {
    auto line = about_record(LogLevel::kInfo, "skipped", n, "skipped by rule" + why(n.failure));
    add_failure(line, n.failure);
    return line;
  }

  LogLine operator()(const notice::SeenAgain& n) const {
    return about_record(LogLevel::kWarning, "seen_again", n,
                        "came again, but is a dead letter: nothing runs, publishing it again "
                        "changes nothing; the dead letter itself must be retried");
  }

  LogLine operator()(const notice::IdConflictReported& n) const {
    return about_record(LogLevel::kWarning, "id_conflict", n,
                        "another record had this event id with different content: counted as a "
                        "duplicate, nothing runs (id_conflict: report); the producer gives one id "
                        "to two events");
  }

  LogLine operator()(const notice::ReplyRefused& n) const {
    return about_record(LogLevel::kWarning, "reply_refused", n,
                        "no reply is sent, the event keeps its verdict: " + loggable_error(n.why));
  }

  LogLine operator()(const notice::BreakerOpened& n) const {
    auto line = about_record(LogLevel::kError, "breaker_open", n,
                             "the budget of dead letters is spent" + why(n.failure) +
                                 "; nothing is lost, the partition waits and tries this one again "
                                 "in " +
                                 to_text(n.retry_in));
    add_failure(line, n.failure);
    return line;
  }

  LogLine operator()(const notice::BreakerClosed& n) const {
    return about(LogLevel::kInfo, "breaker_closed", n.partition, "goes on");
  }

  LogLine operator()(const notice::Held& n) const {
    auto line = about(LogLevel::kInfo, "held", n.partition, "");
    line.text = partition_text(n.partition) + ": waits for replay " + std::to_string(n.replay) +
                "; `replay status` says how far it is, nothing is lost meanwhile";
    line.fields.emplace_back("replay", n.replay);
    return line;
  }
  LogLine operator()(const notice::Halted& n) const {
    auto line = about(LogLevel::kError, "halted", n.partition, "");
    line.text = coordinates_text(n.partition, n.offset) + ": halted: " + loggable_error(n.reason) +
                "; nothing is skipped, the partition stands until the cause is gone and the "
                "consumer starts again";
    line.fields.emplace_back("offset", n.offset);
    line.fields.emplace_back("reason", loggable_error(n.reason));
    return line;
  }

  LogLine operator()(const notice::Unavailable& n) const {
    return {LogLevel::kWarning,
            "unavailable",
            loggable_error(n.what) + "; everything is kept, trying again in " + to_text(n.retry_in),
            {{"retry_in_ms", std::int64_t{n.retry_in.count()}}}};
  }

  LogLine operator()(const notice::Available& n) const {
    return {LogLevel::kInfo, "available", loggable_error(n.what) + " answers again"};
  }

  LogLine operator()(const notice::SourceMessage& n) const {
    const auto level = n.severity <= 3   ? LogLevel::kError
                       : n.severity <= 5 ? LogLevel::kWarning
                       : n.severity == 6 ? LogLevel::kInfo
                                         : LogLevel::kDebug;
    return {level, "kafka", "kafka: " + loggable_error(n.text)};
  }

  LogLine operator()(const notice::Emitted& n) const {
    const auto records = static_cast<std::int64_t>(n.records);
    return {
        LogLevel::kDebug,
        "emitted",
        std::to_string(records) + " outgoing records or e-mails are committed and wait to be sent",
        {{"records", records}}};
  }

  LogLine operator()(const notice::RelayBlocked& n) const {
    const auto waiting = static_cast<std::int64_t>(n.waiting);
    return {LogLevel::kWarning,
            "relay_blocked",
            std::to_string(waiting) + " records wait for topic " + n.topic + ": " +
                loggable_error(n.why) + "; they stay in the outbox and consuming goes on",
            {{"topic", n.topic}, {"waiting", waiting}}};
  }

  LogLine operator()(const notice::RelayRefused& n) const {
    const auto records = static_cast<std::int64_t>(n.records);
    return {LogLevel::kError,
            "relay_refused",
            std::to_string(records) + " records are set aside, topic " + n.topic +
                " will never take them: " + loggable_error(n.why) +
                "; see `kinbox outbox list --state refused`, then retry or discard",
            {{"topic", n.topic}, {"records", records}}};
  }

  LogLine operator()(const notice::Relayed& n) const {
    const auto records = static_cast<std::int64_t>(n.records);
    return {LogLevel::kInfo,
            "relayed",
            std::to_string(records) + " outgoing records are on Kafka",
            {{"records", records}}};
  }

  LogLine operator()(const notice::MailSent& n) const {
    return about_mail(LogLevel::kInfo, "mail_sent", n.mail, "sent");
  }

  LogLine operator()(const notice::MailDeferred& n) const {
    return about_mail(LogLevel::kWarning, "mail_deferred", n.mail,
                      "not now: " + loggable_error(n.why) + "; again in " + to_text(n.retry_in));
  }

  LogLine operator()(const notice::MailFailed& n) const {
    return about_mail(LogLevel::kError, "mail_failed", n.mail,
                      "will not be sent: " + loggable_error(n.why) + "; see `kinbox mail show " +
                          std::to_string(n.mail.id) + "`, then retry or discard");
  }

  LogLine operator()(const notice::MailUnknown& n) const {
    const auto id = std::to_string(n.mail.id);
    return about_mail(LogLevel::kWarning, "mail_unknown", n.mail,
                      "may have arrived or not: " + loggable_error(n.why) +
                          (n.held ? "; held, decide with `kinbox mail retry " + id +
                                        "` or `kinbox mail discard " + id + "`"
                                  : "; sent again with the same Message-ID"));
  }

  LogLine operator()(const notice::BatchShrunk& n) const {
    const auto records = static_cast<std::int64_t>(n.records);
    return {LogLevel::kWarning,
            "batch_shrunk",
            "a transaction took longer than max_transaction_time; batches are now " +
                std::to_string(records) + " records and grow again slowly",
            {{"records", records}}};
  }
};

}  // namespace

LogLine to_line(const Notice& notice) { return std::visit(ToLine{}, notice); }

}  // namespace kinbox::observe
