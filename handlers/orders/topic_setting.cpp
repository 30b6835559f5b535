#include "handlers/orders/topic_setting.hpp"

#include "core/topic_name.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::handlers {

std::string topic_setting(const HandlerContext& context, const char* otherwise) {
  const auto found = context.settings.find(kTopicSetting);
  if (found == context.settings.end()) return otherwise;
  if (!is_topic_name(found->second))
    throw ConfigurationError("topic \"" + found->second +
                             "\": use letters, digits, '.', '_' and '-', at most 249");
  return found->second;
}

}  // namespace kinbox::handlers
