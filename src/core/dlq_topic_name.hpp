#pragma once

#include <string>
#include <string_view>

namespace kinbox {

/// Where the dead letters of a topic go: `pattern` with {group}, {topic} and {consumer} filled in.
std::string dlq_topic_name(std::string_view pattern, std::string_view group, std::string_view topic,
                           std::string_view consumer);

}  // namespace kinbox
