#pragma once

#include <span>
#include <string>
#include <vector>

namespace kinbox {

/// What a consumer tells the producers of its events: a reply event, written in the transaction
/// that decides the event, once per event; see docs/effects.md for what is in it.
///
/// `<type>.processed` when the event's effect is committed, `<type>.failed` when it is a dead
/// letter. None for duplicates, skipped events, an id_conflict, records without an id, and for
/// replies: a record whose `correlation-id` equals its `ce_causationid`.
struct ReplyOptions {
  /// The topic of replies to events that name none. Empty: those get no reply.
  std::string to = {};
  /// The header in which an event may name the topic of its reply. Looked at if `allow` lists any.
  std::string header = "reply-to";
  /// The topics it may name. Another one is refused: no reply is written, notice::ReplyRefused
  /// says so, and the event keeps its verdict.
  std::vector<std::string> allow = {};
  bool processed = true;
  bool failed = true;
};

/// Throws ConfigurationError on options that reach no topic or say nothing, and on a topic that is
/// among those the consumer reads (`consumed`).
void require_usable(const ReplyOptions& options, std::span<const std::string> consumed);

}  // namespace kinbox
