#pragma once

#include <string>

namespace kinbox::cli {

/// What differs between two payloads, for people: lines that are gone begin with '-', new ones with
/// '+', a few unchanged ones around them with ' '. JSON is broken into lines first, its values as
/// they are written. Safe for a terminal; empty if nothing differs.
std::string payload_diff(const std::string& before, const std::string& after);

}  // namespace kinbox::cli
