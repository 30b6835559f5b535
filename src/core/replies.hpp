#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "kinbox/dead_letter.hpp"
#include "kinbox/event.hpp"
#include "kinbox/inbox.hpp"
#include "kinbox/outbox.hpp"
#include "kinbox/replies.hpp"

namespace kinbox {

/// Writes reply events to the outbox.
class Replies {
 public:
  struct Parts {
    std::string consumer;
    ReplyOptions options;
    OutboxOptions outbox;
  };

  /// `parts.options` as require_usable wants them.
  Replies(Parts parts, const Dialect& dialect);

  /// The reply to an event that `tx` decides, if it gets one: `failure` is of those whose verdict
  /// is kDead. Returns why it was refused, if it was; nothing was written then. SQL errors count as
  /// a handler's in the transaction: its driver may send equal inserts as one.
  std::optional<std::string> write(OpenTransaction& tx, const Event& event, Verdict verdict,
                                   const Failure& failure) const;

 private:
  bool wanted(const Event& event, Verdict verdict) const;
  /// Empty: the event gets no reply. Throws PermanentError on a topic that is not allowed.
  std::string topic_for(const Event& event) const;
  void emit(OpenTransaction& tx, const Event& event, std::string topic, Verdict verdict,
            const Failure& failure) const;

  std::string consumer_;
  ReplyOptions options_;
  Outbox outbox_;
};

}  // namespace kinbox
