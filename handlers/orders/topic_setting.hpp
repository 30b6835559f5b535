#pragma once

#include <string>

#include "kinbox/handler.hpp"

namespace kinbox::handlers {

/// The name of the setting, for HandlerSpec::setting_names.
inline constexpr const char* kTopicSetting = "topic";

/// Where a handler's events go: the setting `topic`, or `otherwise`. Throws ConfigurationError for
/// what is no topic's name: found at start, not by every event.
std::string topic_setting(const HandlerContext& context, const char* otherwise);

}  // namespace kinbox::handlers
