#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kinbox/handler.hpp"

namespace kinbox {

/// A handler to run in a consumer, with its settings.
struct HandlerUse {
  HandlerSpec spec;
  std::map<std::string, std::string> settings = {};
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
    std::unique_ptr<Handler> handler;
  };

  /// Null when nobody takes `event_type`.
  const Entry* find(std::string_view event_type) const;

 private:
  std::vector<std::unique_ptr<Entry>> entries_;
  std::map<std::string, const Entry*, std::less<>> by_type_;
  const Entry* rest_ = nullptr;
};

}  // namespace kinbox
