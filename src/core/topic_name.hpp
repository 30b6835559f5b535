#pragma once

#include <string_view>

namespace kinbox {

/// Whether Kafka takes it as a topic's name: letters, digits, '.', '_' and '-', at most 249, and
/// neither "." nor "..".
bool is_topic_name(std::string_view name);

}  // namespace kinbox
