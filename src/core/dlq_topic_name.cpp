#include "core/dlq_topic_name.hpp"

#include "core/replaced.hpp"

namespace kinbox {

std::string dlq_topic_name(std::string_view pattern, std::string_view group, std::string_view topic,
                           std::string_view consumer) {
  const auto of_group = replaced(pattern, "{group}", group);
  return replaced(replaced(of_group, "{topic}", topic), "{consumer}", consumer);
}

}  // namespace kinbox
