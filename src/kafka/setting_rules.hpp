#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kinbox::kafka {

/// Why a key may not be passed through, and what to do instead; nullopt if it may.
std::optional<std::string> owned_by_kinbox(std::string_view key);

/// The same for keys that load code or run commands.
std::optional<std::string> loads_code(std::string_view key);

/// For keys of the Java client that librdkafka does not know: what to write instead.
std::optional<std::string> java_equivalent(std::string_view key);

}  // namespace kinbox::kafka
