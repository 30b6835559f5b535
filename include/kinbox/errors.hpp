#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace kinbox {

/// Everything kinbox throws.
class Error : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The configuration, or the way an API was called, cannot work. The text names the thing and the
/// way out. (Exit code 78.)
class ConfigurationError : public Error {
  using Error::Error;
};

/// kinbox will not start on what it found: an unsafe server, a foreign cluster, a schema it does
/// not know. The text names the way out. (Exit code 3.)
class RefusedError : public Error {
  using Error::Error;
};

/// The database or the broker is not usable right now. Thrown by adapters only, never by handlers:
/// the batch is rolled back and retried for ever with backoff, and no event is blamed.
class InfrastructureError : public Error {
  using Error::Error;
};

/// This transaction was the one that had to go for others to get on: the server said so (SQLSTATE
/// 40P01), or OpenTransaction::give_way_after.
class DeadlockError : public InfrastructureError {
  using InfrastructureError::InfrastructureError;
};

/// Another transaction kept a lock for longer than kinbox's own statement waits (SQLSTATE 55P03).
class LockTimeoutError : public InfrastructureError {
  using InfrastructureError::InfrastructureError;
};

/// This consumer cannot go on (fenced by another instance of its id, a fatal client error). Its
/// worker ends; what it held is left to its successor.
class FatalSourceError : public Error {
  using Error::Error;
};

/// Number of a statement inside its transaction, from 1.
using StatementNumber = std::int64_t;

/// Stands for the number when several statements were sent as one, and one of them failed.
inline constexpr StatementNumber kOneOfSeveral = -1;

/// An SQL statement failed through its own fault (or the deferred constraint it left behind did, at
/// COMMIT). It counts against the event whose handler sent it. The transaction is doomed: every
/// later call on it refuses, swallowing the exception changes nothing.
class SqlError : public Error {
 public:
  /// `code`: SQLSTATE on PostgreSQL, the extended result code's name on SQLite.
  SqlError(const std::string& text, std::string code, std::string constraint = {})
      : Error(text), code_(std::move(code)), constraint_(std::move(constraint)) {}

  const std::string& code() const noexcept { return code_; }
  /// Name of the violated constraint where the database told it, else empty.
  const std::string& constraint() const noexcept { return constraint_; }
  /// The statement to blame; 0 when COMMIT itself failed; kOneOfSeveral.
  StatementNumber statement() const noexcept { return statement_; }
  void blame(StatementNumber statement) noexcept { statement_ = statement; }

 private:
  std::string code_;
  std::string constraint_;
  StatementNumber statement_ = 0;
};

/// A handler tried to end or nest the transaction it was handed, or used it after it was doomed.
class TransactionMisuse : public SqlError {
 public:
  explicit TransactionMisuse(const std::string& text) : SqlError(text, "kinbox_misuse") {}
};

/// The handler's time was over: while it waited for its statement, which was cancelled, or before
/// it came back by itself. Counts against its event, whatever the handler made of it.
class HandlerTimeout : public SqlError {
 public:
  explicit HandlerTimeout(const std::string& text) : SqlError(text, "kinbox_timeout") {}
};

/// What handlers throw to say more than "it failed". `code` is a stable word of the user's for
/// grouping and rules; it may be empty.
class HandlerError : public Error {
 public:
  explicit HandlerError(const std::string& text, std::string code = {})
      : Error(text), code_(std::move(code)) {}

  const std::string& code() const noexcept { return code_; }

 private:
  std::string code_;
};

/// Trying again cannot help (the payload lacks a field): dead letter at once, no attempts.
class PermanentError : public HandlerError {
  using HandlerError::HandlerError;
};

/// The business says no (card declined, order unknown): dead letter at once, no attempts.
class BusinessRejection : public HandlerError {
  using HandlerError::HandlerError;
};

/// Trying again may help. `retry_after` replaces the backoff of this attempt.
class RetryableError : public HandlerError {
 public:
  explicit RetryableError(const std::string& text,
                          std::optional<std::chrono::milliseconds> retry_after = {},
                          std::string code = {})
      : HandlerError(text, std::move(code)), retry_after_(retry_after) {}

  std::optional<std::chrono::milliseconds> retry_after() const noexcept { return retry_after_; }

 private:
  std::optional<std::chrono::milliseconds> retry_after_;
};

}  // namespace kinbox
