#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kinbox/handler.hpp"
#include "kinbox/on_error.hpp"

namespace kinbox {

/// A handler to run in a consumer, with its settings.
struct HandlerUse {
  HandlerSpec spec;
  std::map<std::string, std::string> settings = {};
  /// Its own ladder, in place of its consumer's.
  std::optional<OnError> on_error = std::nullopt;
};

/// One consumer's handlers: which of them takes an event of a type. Made once per worker, with
/// handler instances of its own.
class HandlerRegistry {
 public:
  /// Throws ConfigurationError when two handlers claim one type (or both "*"), a spec has no types
  /// or no factory, a name stands twice, or a setting is not one of the spec's.
  HandlerRegistry(std::vector<HandlerUse> uses, const Dialect& dialect,
                  const OutboxOptions& outbox = {});

  struct Entry {
    std::string name;
    HandlerTraits traits;
    std::optional<OnError> on_error;
    std::unique_ptr<Handler> handler;
  };

  /// Null when nobody takes `event_type`.
  const Entry* find(std::string_view event_type) const;
  /// Null when there is none of that name.
  const Entry* by_name(std::string_view name) const;

  /// The ladder of each handler, its own or its consumer's. For require_usable.
  std::vector<HandlerLadder> ladders(const OnError& of_consumer) const;

 private:
  std::vector<std::unique_ptr<Entry>> entries_;
  std::map<std::string, const Entry*, std::less<>> by_type_;
  const Entry* rest_ = nullptr;
};

}  // namespace kinbox
