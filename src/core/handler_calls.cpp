#include "core/handler_calls.hpp"

#include <string>

#include "kinbox/errors.hpp"

namespace kinbox {
namespace {

bool is_infrastructure(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const InfrastructureError&) {
    return true;
  } catch (...) {
    return false;
  }
}

StatementNumber blamed_statement(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const SqlError& e) {
    return e.statement();
  } catch (...) {
    return 0;
  }
}

std::string text_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "something that is no std::exception";
  }
}

/// A handler came back late. What it met, if anything, is told: it may say what it waited for.
std::exception_ptr timeout(const std::exception_ptr& met, std::chrono::milliseconds limit) {
  auto text = "the handler took longer than its " + std::to_string(limit.count()) + "ms";
  if (met) text += "; it met: " + text_of(met);
  return std::make_exception_ptr(HandlerTimeout(text));
}

}  // namespace

void HandlerCalls::call(OpenTransaction& tx, std::size_t index,
                        const HandlerRegistry::Entry& handler, const Handling& handling) {
  const auto handled = run(tx, handler, handling);
  // What the transaction knows outranks what the handler made of it: a swallowed SQL error still
  // fails its event, a lost connection is nobody's fault whatever was thrown on top of it.
  const auto known = known_failure(tx, index);
  if (known && !(handled.late && known->index == index)) throw *known;
  if (handled.late)
    throw Failed{index, timeout(known ? known->error : handled.thrown, clock_.limit())};
  if (handled.thrown) throw Failed{index, handled.thrown};
}

HandlerCalls::Handled HandlerCalls::run(OpenTransaction& tx, const HandlerRegistry::Entry& handler,
                                        const Handling& handling) {
  const auto limit = handler.traits.timeout;
  auto* const clock = limit ? &clock_ : nullptr;
  const HandlerScope scope(tx, handling, clock);
  Handled handled;
  if (clock != nullptr) clock->start({handler.name, handling.event}, limit);
  try {
    handler.handler->handle(*handling.event, tx);
  } catch (...) {
    handled.thrown = std::current_exception();
  }
  if (clock != nullptr) handled.late = clock->stop();
  return handled;
}

std::optional<HandlerCalls::Failed> HandlerCalls::known_failure(OpenTransaction& tx,
                                                                std::size_t index) const {
  const auto failure = tx.known_failure();
  if (!failure) return std::nullopt;
  if (is_infrastructure(failure)) std::rethrow_exception(failure);
  return Failed{senders_.blamed(blamed_statement(failure), index), failure};
}

void HandlerCalls::commit(OpenTransaction& tx, const std::function<void()>& on_sent) const {
  try {
    tx.commit(on_sent);
  } catch (const SqlError& e) {
    // 0: COMMIT itself was refused. Else a statement whose answer was awaited only now.
    if (e.statement() == 0) throw;
    own("close", [] { throw; });
  }
}

}  // namespace kinbox
