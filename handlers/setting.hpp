#pragma once

#include <optional>
#include <string>

#include "kinbox/handler.hpp"

namespace kinbox::handlers {

/// A setting of a handler; nothing where the configuration does not have it.
inline std::optional<std::string> setting(const HandlerContext& context, const char* name) {
  const auto found = context.settings.find(name);
  return found == context.settings.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace kinbox::handlers
