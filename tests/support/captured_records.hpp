#pragma once

#include <string>
#include <vector>

#include "kinbox/record.hpp"

namespace kinbox::testing {

/// The records of tests/data/dlq/`name`.json.
std::vector<OwnedRecord> captured_records(const std::string& name);

}  // namespace kinbox::testing
