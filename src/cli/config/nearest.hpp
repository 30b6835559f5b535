#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace kinbox::cli {

/// The name that `word` was probably meant to be: the one fewest edits away (insert, delete,
/// replace, swap neighbours), if that is few for its length.
std::optional<std::string> nearest(std::string_view word, std::span<const std::string> names);

/// `; did you mean "topics"?` or, when nothing is near, `; there are: group, name, topics`.
std::string suggestion(std::string_view word, std::span<const std::string> names);

}  // namespace kinbox::cli
