#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <optional>
#include <string_view>

#include "core/own_statements.hpp"
#include "core/statement_senders.hpp"
#include "kinbox/event.hpp"
#include "kinbox/handler_clock.hpp"
#include "kinbox/handler_registry.hpp"
#include "kinbox/transaction.hpp"

namespace kinbox {

/// The handlers' part of one transaction: calls them, event after event, and finds out whose event
/// failed, whenever that shows.
class HandlerCalls {
 public:
  /// Thrown: the event with this index failed.
  struct Failed {
    std::size_t index = 0;
    std::exception_ptr error;
  };

  /// `clock` is asked by handlers that have a limit, and runs meanwhile.
  explicit HandlerCalls(HandlerClock& clock) : clock_(clock) {}

  /// What `tx` sent so far is kinbox's own, and answered; `events` will follow.
  void begin(const OpenTransaction& tx, std::size_t events) {
    senders_.begin_after(tx.last_statement(), events);
  }

  /// Throws Failed, or InfrastructureError, or StatementSenders::OneOfSeveral.
  void call(OpenTransaction& tx, std::size_t index, const HandlerRegistry::Entry& handler,
            const Handling& handling);

  /// Everything of the next event is sent.
  void settled(const OpenTransaction& tx) { senders_.item_sent_up_to(tx.last_statement()); }

  /// Runs statements of kinbox itself, as own_statements does. What fails in them may be a
  /// handler's that was handed over before: Failed then.
  template <typename Call>
  void own(const char* what, Call call) const {
    own_statements(what, [&] {
      try {
        call();
      } catch (const SqlError& e) {
        if (const auto sender = senders_.sender_of(e.statement()))
          throw Failed{*sender, std::current_exception()};
        throw;
      }
    });
  }

  /// COMMIT. SqlError passes when COMMIT itself was refused: nobody knows for whose sake.
  void commit(OpenTransaction& tx, const std::function<void()>& on_sent) const;

 private:
  struct Handled {
    std::exception_ptr thrown;
    bool late = false;
  };
  Handled run(OpenTransaction& tx, const HandlerRegistry::Entry& handler, const Handling& handling);
  /// Whose failure the transaction knows of, if of any; throws it if it is nobody's.
  std::optional<Failed> known_failure(OpenTransaction& tx, std::size_t index) const;

  HandlerClock& clock_;
  StatementSenders senders_;
};

}  // namespace kinbox
