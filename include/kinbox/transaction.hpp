#pragma once

#include <array>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "kinbox/dialect.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/rows.hpp"
#include "kinbox/sql_value.hpp"

namespace kinbox {

class Event;
class HandlerClock;
class Transaction;

/// The event whose handler is running, as far as what that emits must know of it.
struct Handling {
  std::string_view consumer = {};
  /// Null outside a handler.
  const Event* event = nullptr;
  /// Of a replay that runs handlers again on purpose; 0 otherwise.
  std::int64_t generation = 0;
  /// The event was handled before, and what it emits has left already: events are counted instead
  /// of written.
  bool silences_events = false;
  /// The same for e-mails.
  bool silences_mail = false;
  /// E-mails get this revision at least; 0 leaves theirs.
  int mail_revision = 0;
};

/// The answer to `execute`. Dies with the transaction, and with `handle()`.
class Executed {
 public:
  Executed(Transaction& transaction, StatementNumber statement)
      : transaction_(&transaction), statement_(statement) {}

  /// Rows the statement inserted, updated or deleted. Waits for the statement where it was only
  /// handed over; throws what it failed with.
  std::int64_t affected_rows() const;

 private:
  Transaction* transaction_;
  StatementNumber statement_;
};

/// The open transaction a handler writes through. What goes through it becomes visible together
/// with the event's inbox row, or not at all.
///
/// `$1`, `$2` ... are placeholders on both databases. Statements are prepared once per connection
/// and text: write values as arguments, not into the text.
///
/// An SQL error dooms the transaction: every later call throws, swallowing the exception changes
/// nothing, and the event fails. Statements that would end or nest the transaction (BEGIN, START,
/// COMMIT, END, ABORT, PREPARE TRANSACTION, ROLLBACK other than ROLLBACK TO) are refused the same
/// way.
///
/// Not thread-safe; use it on the thread that called `handle()`, and not after it returned.
class Transaction {
 public:
  Transaction() = default;
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  virtual ~Transaction() = default;

  /// Hands a statement over. Its result may be awaited later: when somebody reads it, at the next
  /// `query`, or when the batch ends. An error can therefore surface in a later call; the event
  /// that sent the failing statement is blamed all the same.
  template <typename... Args>
  Executed execute(std::string_view sql, const Args&... args) {
    const std::array<SqlParam, sizeof...(Args)> params{SqlParam(args)...};
    return {*this, run_execute(sql, params)};
  }

  /// Runs a statement and waits for its rows; sees all that this transaction wrote before.
  template <typename... Args>
  Rows query(std::string_view sql, const Args&... args) {
    const std::array<SqlParam, sizeof...(Args)> params{SqlParam(args)...};
    return run_query(sql, params);
  }

  /// The same with arguments made at run time.
  Executed execute_with(std::string_view sql, std::span<const SqlParam> params) {
    return {*this, run_execute(sql, params)};
  }
  Rows query_with(std::string_view sql, std::span<const SqlParam> params) {
    return run_query(sql, params);
  }

  /// For SQL that must differ by database.
  virtual const Dialect& dialect() const = 0;

  /// Number of the statement handed over last; 0 before the first.
  StatementNumber last_statement() const noexcept { return last_statement_; }

 protected:
  /// Drivers implement these. They throw SqlError or InfrastructureError, nothing else.
  virtual void do_execute(StatementNumber number, std::string_view sql,
                          std::span<const SqlParam> params) = 0;
  virtual Rows do_query(std::string_view sql, std::span<const SqlParam> params) = 0;
  virtual std::int64_t do_await_affected_rows(StatementNumber number) = 0;

  void refuse_if_doomed() const;
  /// Remembers the first failure; from now on every call refuses.
  void doom(std::exception_ptr failure) noexcept;
  const std::exception_ptr& failure() const noexcept { return failure_; }

 private:
  friend class Executed;
  friend class OpenTransaction;
  friend class EmailOutbox;
  friend class Outbox;
  friend class DeadLetters;
  template <typename Call>
  auto guarded(StatementNumber number, Call call);
  StatementNumber run_execute(std::string_view sql, std::span<const SqlParam> params);
  Rows run_query(std::string_view sql, std::span<const SqlParam> params);
  std::int64_t await_affected_rows(StatementNumber number);

  StatementNumber last_statement_ = 0;
  std::exception_ptr failure_;
  Handling handling_;
  /// Events emitted since `handling_` began.
  int emitted_ = 0;
  /// Rows that leave the database, by a relay or an e-mail sender.
  std::size_t outbox_rows_ = 0;
  std::size_t silenced_ = 0;
};

inline std::int64_t Executed::affected_rows() const {
  return transaction_->await_affected_rows(statement_);
}

/// A transaction seen by the one who began it: kinbox's dispatcher, or a program that uses a kinbox
/// Database for itself. Destroying it without commit() rolls back.
class OpenTransaction : public Transaction {
 public:
  /// Whose statements run: decides whom an error counts against (a lock timeout in kinbox's own
  /// statement is infrastructure, in a handler's it is the event's).
  enum class Origin { kFramework, kHandler };
  void set_origin(Origin origin);

  /// What is emitted from now on follows from this event.
  void set_handling(const Handling& handling);

  /// Rows that this transaction wrote for an outbox relay to carry, or an e-mail sender to send.
  std::size_t outbox_rows() const noexcept { return outbox_rows_; }
  /// Events and e-mails that were counted instead of written; see Handling.
  std::size_t silenced() const noexcept { return silenced_; }

  /// From now on every statement is sent as it is. Before the first one. Without it a driver may
  /// send a handler's equal statements as one, which can fail for any of them.
  void send_one_by_one() { do_send_one_by_one(); }

  /// From now on a statement, a handler's too, that waits for one lock for longer than `patience`
  /// ends the transaction with DeadlockError. Nothing on SQLite, where nobody waits inside a
  /// transaction; taken back by native access.
  void give_way_after(std::chrono::milliseconds patience) { do_give_way_after(patience); }

  /// From now on a handler's statement is waited for no longer than `clock`, which runs, allows: it
  /// is cancelled then, and HandlerTimeout dooms the transaction. Waiting for what others sent
  /// before restarts the clock. Null: nothing is cancelled any more. What is sent to cancel reaches
  /// no other transaction, and no COMMIT.
  void limit_waits(HandlerClock* clock) {
    clock_ = clock;
    do_limit_waits();
  }

  /// Runs `statement` for every row of `rows` (row after row, `columns` each) and gives the rows it
  /// returned; their order is unspecified.
  Rows query_bulk(const BulkStatement& statement, std::span<const SqlParam> rows,
                  std::size_t columns);

  /// The first failure that is known by now, also one that a handler swallowed; null while there is
  /// none. Waits for nothing.
  std::exception_ptr known_failure() noexcept;

  /// Waits for everything handed over; throws the first failure, also one that a handler swallowed.
  void flush();

  /// Sends COMMIT and checks that it was one. Throws the first failure if the transaction is
  /// doomed or a statement that was only handed over has failed, SqlError (statement 0) when a
  /// deferred constraint refused, InfrastructureError when nobody can say whether it was committed.
  /// Afterwards the transaction is over, whatever happened.
  ///
  /// `on_sent` is called when COMMIT is on its way and not yet answered; SQLite, which has no such
  /// moment, calls it just before.
  ///
  /// If the transaction wrote rows for an outbox relay, relays that listen on PostgreSQL are told
  /// as it commits, once.
  void commit(const std::function<void()>& on_sent = {});

  /// Ends the transaction without effect. Never throws: a connection that is gone has rolled back.
  void rollback() noexcept;

 protected:
  Origin origin() const noexcept { return origin_; }

  /// Of the handler that runs; null if it has no limit, or none runs.
  HandlerClock* clock() const noexcept { return clock_; }
  /// clock() is another one.
  virtual void do_limit_waits() {}

  /// The handler that was running has returned.
  virtual void do_end_event() {}
  virtual void do_send_one_by_one() {}
  virtual void do_give_way_after(std::chrono::milliseconds) {}

  /// What went wrong in this transaction without passing through this object (native access); null
  /// if nothing did.
  virtual std::exception_ptr do_native_failure() noexcept { return nullptr; }
  virtual Rows do_query_bulk(const BulkStatement& statement, std::span<const SqlParam> rows,
                             std::size_t columns) = 0;
  virtual void do_flush() = 0;
  virtual void do_commit(const std::function<void()>& on_sent) = 0;
  virtual void do_rollback() noexcept = 0;

 private:
  void notify_relays();

  Origin origin_ = Origin::kFramework;
  HandlerClock* clock_ = nullptr;
  bool over_ = false;
};

/// Statements sent while it lives count as a handler's, and what is emitted as its effects. `clock`
/// as with limit_waits.
class HandlerScope {
 public:
  explicit HandlerScope(OpenTransaction& transaction, const Handling& handling = {},
                        HandlerClock* clock = nullptr)
      : transaction_(transaction), clock_(clock) {
    transaction_.set_origin(OpenTransaction::Origin::kHandler);
    transaction_.set_handling(handling);
    if (clock_ != nullptr) transaction_.limit_waits(clock_);
  }
  HandlerScope(const HandlerScope&) = delete;
  HandlerScope& operator=(const HandlerScope&) = delete;
  ~HandlerScope() {
    if (clock_ != nullptr) transaction_.limit_waits(nullptr);
    transaction_.set_handling({});
    transaction_.set_origin(OpenTransaction::Origin::kFramework);
  }

 private:
  OpenTransaction& transaction_;
  HandlerClock* clock_;
};

}  // namespace kinbox
