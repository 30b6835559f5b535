#include "cli/config/sections.hpp"
#include "cli/config/values.hpp"

namespace kinbox::cli {

DlqConfig read_dlq(const ConfigNode& node) {
  DlqConfig dlq;
  ConfigMap map(node);
  map.read("edit", dlq.edit);
  map.refuse_the_rest();
  return dlq;
}

}  // namespace kinbox::cli
