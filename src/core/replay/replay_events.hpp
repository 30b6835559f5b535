#pragma once

#include <chrono>
#include <optional>

#include "kinbox/event_decoder.hpp"
#include "kinbox/handler_registry.hpp"
#include "kinbox/replay_range.hpp"

namespace kinbox {

/// Which events of a replay's records are meant, and who takes them.
class ReplayEvents {
 public:
  enum class Kind {
    /// `event` and `handler` are set.
    kMeant,
    /// The filter leaves it out.
    kOutside,
    /// No event, or none whose id is clear.
    kUndecodable,
    /// `event` is set, and no handler takes its type.
    kUnhandled,
    /// `event` is set; the consumer's `older_than` says that nobody wants it any more.
    kTooOld,
  };
  struct Found {
    Kind kind = Kind::kUndecodable;
    std::optional<Event> event;
    const HandlerRegistry::Entry* handler = nullptr;
  };

  struct Rules {
    const EventDecoder& decoder;
    const HandlerRegistry& handlers;
    ReplayFilter filter;
    std::optional<std::chrono::milliseconds> older_than = std::nullopt;
  };
  explicit ReplayEvents(Rules rules) : rules_(std::move(rules)) {}

  /// Points into `record`.
  Found find(const Record& record) const;

 private:
  bool has_key(const Record& record) const;
  bool is_meant(const Found& found) const;

  Rules rules_;
};

}  // namespace kinbox
