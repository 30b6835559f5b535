#include "cli/config/sections.hpp"
#include "cli/config/values.hpp"

namespace kinbox::cli {

void read_retry(ConfigMap& map, RetryPolicy& retry) {
  const auto node = map.take("retry");
  if (!node) return;
  ConfigMap policy(*node);
  policy.read("max_attempts", retry.max_attempts);
  policy.read("first_delay", retry.first_delay);
  policy.read("max_delay", retry.max_delay);
  if (const auto elapsed = policy.take("max_elapsed")) {
    std::chrono::milliseconds bound{0};
    read_value(*elapsed, bound);
    retry.max_elapsed = bound;
  }
  policy.refuse_the_rest();
}

}  // namespace kinbox::cli
