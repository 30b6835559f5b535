#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kinbox::kafka {

/// Names of all settings of the librdkafka that runs.
const std::vector<std::string>& known_settings();

/// The candidate that `typo` is most likely meant to be; nullopt if none is near.
std::optional<std::string> nearest(std::string_view typo,
                                   const std::vector<std::string>& candidates);

}  // namespace kinbox::kafka
