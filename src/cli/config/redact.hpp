#pragma once

#include <string>
#include <string_view>

namespace kinbox::cli {

inline constexpr std::string_view kRedacted = "***";

/// Whether the value of a setting of this name must not be shown, whosever setting it is.
bool is_secret_name(std::string_view name);

/// A libpq connection string or URI without its password. What cannot be understood is hidden as a
/// whole.
std::string redacted_uri(std::string_view uri);

}  // namespace kinbox::cli
