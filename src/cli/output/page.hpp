#pragma once

#include <cstdint>

namespace kinbox::cli {

/// Part of a list in order of ids.
struct Page {
  /// Only rows behind this id.
  std::int64_t after = 0;
  std::int64_t limit = 100;
};

}  // namespace kinbox::cli
