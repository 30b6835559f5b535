#pragma once

#include <string>
#include <vector>

namespace kinbox::kafka {

/// What the librdkafka that runs was built with: "ssl", "sasl_scram", "zstd", ...
std::vector<std::string> library_features();

}  // namespace kinbox::kafka
