#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kinbox/retry_policy.hpp"

namespace kinbox {

/// What kind of failure it was, for rules. Told by the type of what was thrown, never by its text.
enum class ErrorClass {
  /// PermanentError.
  kPermanent,
  /// BusinessRejection.
  kRejection,
  /// RetryableError.
  kRetryable,
  /// The handler took longer than it may.
  kTimeout,
  /// An SQL statement of the handler failed, or a constraint at COMMIT.
  kSql,
  /// The transaction breaks every time although the database answers.
  kKillsTransaction,
  /// Everything else that is thrown.
  kOther,
};

/// What happens when the attempts in place are used up, or were pointless.
enum class Then {
  kDeadLetter,
  kHalt,
  kSkip,
  /// The event waits in `parked_events`, and later events of its key behind it.
  kPark,
  /// Another handler takes the event, or another topic.
  kFailOver,
};

/// What happens to an event that would have to wait behind too many others.
enum class WhenFull { kHalt, kDeadLetter };

/// How events wait. Delays are on the database's clock.
struct ParkPolicy {
  /// Before the first try of a parked event, the second ... They never shrink. After the last try
  /// `then` follows.
  std::vector<std::chrono::milliseconds> delays{std::chrono::seconds{10}, std::chrono::minutes{1},
                                                std::chrono::minutes{10}, std::chrono::hours{1}};
  /// Events of one key, and of one partition, that may wait.
  std::size_t max_per_key = 1'000;
  std::size_t max_parked = 100'000;
  WhenFull when_full = WhenFull::kHalt;
  /// Also for what may not be tried again (PermanentError). Not kPark.
  Then then = Then::kDeadLetter;
};

/// Who takes an event instead: one of the two.
struct FailOver {
  /// A handler of the same consumer. Tried once, in a transaction of its own; if it fails too, its
  /// own `then` follows.
  std::string handler = {};
  /// The record goes there through the outbox as it is, with headers that say why; the event counts
  /// as skipped.
  std::string topic = {};
};

struct ErrorRule;

/// The ladder of a consumer, or of one of its handlers: what follows when an event fails.
struct OnError {
  RetryPolicy retry = {};
  Then then = Then::kDeadLetter;
  ParkPolicy park = {};
  FailOver fail_over = {};
  /// The first that matches takes the place of all above.
  std::vector<ErrorRule> rules;
};

/// Matches failures of a class, with a code (HandlerError::code, SQLSTATE), or both.
struct ErrorRule {
  std::optional<ErrorClass> error_class = std::nullopt;
  std::string code = {};
  /// Its own rules are not looked at.
  OnError on_error = {};
};

/// The part of `on_error` that is for such a failure.
const OnError& ladder_for(const OnError& on_error, ErrorClass error_class, std::string_view code);

/// One handler's ladder, for require_usable.
struct HandlerLadder {
  std::string_view handler;
  const OnError* on_error = nullptr;
};

/// Throws ConfigurationError on ladders that cannot work: delays that shrink, or none, parking that
/// ends in parking, a failover to nobody, to an unknown handler, to the handler itself or in a
/// circle.
void require_usable(std::span<const HandlerLadder> ladders);

}  // namespace kinbox
