#include "handlers/orders/topic_setting.hpp"

#include "core/topic_name.hpp"
#include "handlers/setting.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::handlers {

std::string topic_setting(const HandlerContext& context, const char* otherwise) {
  auto topic = setting(context, kTopicSetting).value_or(otherwise);
  if (!is_topic_name(topic))
    throw ConfigurationError("topic \"" + topic +
                             "\": use letters, digits, '.', '_' and '-', at most 249");
  return topic;
}

}  // namespace kinbox::handlers
