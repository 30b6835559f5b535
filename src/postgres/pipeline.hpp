#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kinbox/handler_clock.hpp"
#include "kinbox/transaction.hpp"
#include "postgres/connection.hpp"

namespace kinbox::postgres {

/// The statements of one transaction that are on their way, and their answers.
///
/// Statements are sent without waiting for the ones before; after one that fails, the server skips
/// what follows up to the next sync, and refuses the rest of the transaction. So a COMMIT sent
/// behind a statement that fails cannot commit. The first thing sent must be a BEGIN, and be
/// awaited before anything is sent after a sync: behind a BEGIN that failed, the server would
/// commit statement by statement.
class Pipeline {
 public:
  /// Whose statement it is, for the error that it may end in.
  struct Sender {
    /// 0 for BEGIN, COMMIT and the like; kOneOfSeveral for several.
    StatementNumber number = 0;
    OpenTransaction::Origin origin = OpenTransaction::Origin::kFramework;
    bool begins = false;
  };

  explicit Pipeline(Connection& connection) : connection_(connection) {}

  /// Hands a statement over, preparing it where it is new to the connection. Throws SqlError when
  /// libpq refuses, InfrastructureError when the connection is gone.
  void send(Sender sender, std::string_view sql, std::span<const SqlParam> params);
  /// Prepares `sql` where it is new; the name it has then.
  const std::string& prepare(Sender sender, std::string_view sql);
  /// The same for a text without parameters that is not worth preparing.
  void send_text(Sender sender, const char* text);

  /// So much is unanswered that somebody should wait: each side may be blocked by what the other
  /// has not read.
  bool full() const noexcept;
  bool empty() const noexcept { return pending_.empty(); }

  /// The statement that failed first; what follows it was not carried out.
  struct Failure {
    ResultHandle result;
    Sender sender;
  };
  struct Answers {
    /// To the statement sent last; of no use after a failure.
    ResultHandle last;
    std::optional<Failure> failure;
    /// The statements of the handler took too long, and were cancelled. Nothing may be sent behind
    /// that but a rollback.
    bool cancelled = false;
    /// Others' statements travelled together with the handler's first: nobody knows whose took the
    /// time.
    bool mixed = false;
  };
  /// A handler that waits for its own statements: those after `last_of_others`.
  struct Limit {
    HandlerClock& clock;
    StatementNumber last_of_others = 0;
  };
  /// Lets the server begin with what was sent, as far as the socket takes it. Does nothing before
  /// BEGIN is answered.
  void push();
  /// Sends what is left; when it returns all is on its way.
  void flush();
  /// Waits for all answers, each within the connection's call deadline. Throws InfrastructureError
  /// when one does not come; the connection is lost then.
  ///
  /// With a `limit`, the handler's own statements are cancelled when its time is over. Its time
  /// begins anew when others' are answered, as far as one can tell: the last sync separates them.
  Answers await(std::optional<Limit> limit = std::nullopt);

  /// Rows that an answered statement inserted, updated or deleted.
  std::int64_t affected_rows(StatementNumber number) const;
  bool answered(StatementNumber number) const noexcept { return number <= answered_; }

 private:
  enum class Kind { kStatement, kPrepare, kSync };
  struct Pending {
    Kind kind = Kind::kStatement;
    Sender sender;
    /// The text that is being prepared.
    std::string sql;
  };

  void sent(Kind kind, Sender sender, std::size_t bytes, std::string sql = {});
  void sync();
  void note(const Pending& pending, ResultHandle result, Answers& answers);
  void note_affected(StatementNumber number, PGresult& result);
  ResultHandle answer_to(const Pending& pending, Deadline deadline);
  struct Others {
    /// So many of what is pending are groups that others sent, whole.
    std::size_t groups = 0;
    /// There are others' statements among those.
    bool waited = false;
    /// There are others' statements in the group of the handler's first.
    bool mixed = false;
  };
  Others others_before_own(const std::optional<Limit>& limit) const;
  /// Cancels when its time is over and there is no answer.
  bool cancel_if_late(const HandlerClock& clock);

  Connection& connection_;
  Parameters parameters_;
  std::deque<Pending> pending_;
  std::size_t pending_bytes_ = 0;
  std::size_t since_sync_ = 0;
  bool begun_ = false;
  StatementNumber answered_ = 0;
  /// By statement number.
  std::vector<std::int64_t> affected_;
};

}  // namespace kinbox::postgres
