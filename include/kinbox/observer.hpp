#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "kinbox/dead_letter.hpp"
#include "kinbox/progress.hpp"
#include "kinbox/record.hpp"

namespace kinbox {

/// The moments of a batch, in the order they happen. kClaimed comes once, kHandled once per event.
enum class Step {
  kFetched,
  kOpened,
  kClaimed,
  kHandled,
  kBeforeCommit,
  kCommitSent,
  kCommitted,
  kBeforeTell,
};

namespace notice {

struct Assigned {
  TopicPartition partition;
  PartitionClaim claim;
};
struct Revoked {
  TopicPartition partition;
  bool lost = false;
};
/// A partition is ours in Kafka, but the database did not let us take it yet.
struct Unclaimed {
  TopicPartition partition;
  std::string why;
};
/// Somebody else claimed the partition, or our own commit's reply was lost.
struct ClaimMissed {
  TopicPartition partition;
};
struct Committed {
  std::size_t records = 0;
  Tally tally;
  std::chrono::microseconds took{0};
};
struct RetryScheduled {
  TopicPartition partition;
  Offset offset = 0;
  std::string event_id;
  int max_attempts = 0;
  std::chrono::milliseconds delay{0};
  Failure failure;
};
struct DeadLettered {
  TopicPartition partition;
  Offset offset = 0;
  std::string event_id;
  Failure failure;
};
/// An event waits in `parked_events`: because it failed, for `due_in`, or behind an earlier one of
/// its key.
struct Parked {
  TopicPartition partition;
  Offset offset = 0;
  std::string event_id;
  std::optional<std::chrono::milliseconds> due_in;
  Failure failure;
};
/// An event was passed over by a rule that says so.
struct Skipped {
  TopicPartition partition;
  Offset offset = 0;
  std::string event_id;
  Failure failure;
};
/// A record came again whose event is a dead letter: nothing runs; `kinbox dlq retry` would.
struct SeenAgain {
  TopicPartition partition;
  Offset offset = 0;
  std::string event_id;
};
/// Two different records under one event id, and the rule is to report and go on.
struct IdConflictReported {
  TopicPartition partition;
  Offset offset = 0;
  std::string event_id;
};
/// A record wished for a reply that it cannot have (a topic that is not allowed). It has its
/// verdict all the same.
struct ReplyRefused {
  TopicPartition partition;
  Offset offset = 0;
  std::string event_id;
  std::string why;
};
/// So many events fail that the partition waits, and tries this one now and then.
struct BreakerOpened {
  TopicPartition partition;
  Offset offset = 0;
  std::string event_id;
  std::chrono::milliseconds retry_in{0};
  Failure failure;
};
/// It goes on.
struct BreakerClosed {
  TopicPartition partition;
};
struct Halted {
  TopicPartition partition;
  Offset offset = 0;
  std::string reason;
};
/// A replay handles the partition's past again: new records wait until it is done.
struct Held {
  TopicPartition partition;
  std::int64_t replay = 0;
};
/// The database or the broker does not answer; everything is kept and tried again.
struct Unavailable {
  std::string what;
  std::chrono::milliseconds retry_in{0};
};
struct Available {
  std::string what;
};
/// The client library has something to say (a broker is away, a commit was refused).
struct SourceMessage {
  /// syslog(3) severity: 3 error, 4 warning, 6 information.
  int severity = 6;
  std::string text;
};
/// A batch that wrote rows which leave the database (events, dead letters, e-mails) is committed.
struct Emitted {
  std::size_t records = 0;
};
/// The relay cannot get records to a topic; the rows wait.
struct RelayBlocked {
  std::string topic;
  std::string why;
  std::size_t waiting = 0;
};
/// The broker will never take these rows; they are set aside until a person decides.
struct RelayRefused {
  std::string topic;
  std::string why;
  std::size_t records = 0;
};
struct Relayed {
  std::size_t records = 0;
};
/// A row of `email_outbox`, named by its id and what its receivers see of it.
struct Mail {
  std::int64_t id = 0;
  std::string message_id;
};
/// The server took it, or whatever stands for one.
struct MailSent {
  Mail mail;
};
/// The server does not want it now.
struct MailDeferred {
  Mail mail;
  std::string why;
  std::chrono::milliseconds retry_in{0};
};
/// It will not be sent; a person decides.
struct MailFailed {
  Mail mail;
  std::string why;
};
/// Nobody knows whether it arrived. `held`: a person decides; else it is sent again.
struct MailUnknown {
  Mail mail;
  std::string why;
  bool held = false;
};
/// A transaction took longer than its bound and was made smaller.
struct BatchShrunk {
  std::size_t records = 0;
};

}  // namespace notice

using Notice =
    std::variant<notice::Assigned, notice::Revoked, notice::Unclaimed, notice::ClaimMissed,
                 notice::Committed, notice::RetryScheduled, notice::DeadLettered, notice::Parked,
                 notice::Skipped, notice::SeenAgain, notice::IdConflictReported,
                 notice::ReplyRefused, notice::BreakerOpened, notice::BreakerClosed, notice::Halted,
                 notice::Held, notice::Unavailable, notice::Available, notice::SourceMessage,
                 notice::Emitted, notice::RelayBlocked, notice::RelayRefused, notice::Relayed,
                 notice::MailSent, notice::MailDeferred, notice::MailFailed, notice::MailUnknown,
                 notice::BatchShrunk>;

/// The one outward seam: logs, metrics, demonstrations and tests hang here.
///
/// Called synchronously on the thread where it happens. One observer may be shared by several
/// workers and the relay: it must be thread-safe. It must not throw.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void on_step(Step) {}
  virtual void on_notice(const Notice&) {}
};

}  // namespace kinbox
