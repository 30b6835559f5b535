#pragma once

#include <string>
#include <string_view>

namespace kinbox::testing {

/// `prefix`_RANDOM: a name that no other test, process or earlier run has used. Lower-case letters,
/// digits and underscores after the prefix, so it serves as topic, group, schema and database.
/// Any thread.
std::string unique_name(std::string_view prefix);

}  // namespace kinbox::testing
