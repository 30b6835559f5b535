#include "cli/config/sections.hpp"
#include "cli/config/values.hpp"

namespace kinbox::cli {

LogConfig read_log(const ConfigNode& node) {
  LogConfig log;
  ConfigMap map(node);
  if (const auto format = map.take("format")) read_word(*format, log.format, words::log_format());
  if (const auto level = map.take("level")) read_word(*level, log.level, words::log_level());
  map.refuse_the_rest();
  return log;
}

}  // namespace kinbox::cli
