#pragma once

#include <string>

#include "cli/config/environment.hpp"

namespace kinbox::cli {

/// What a person made of `content` in their editor: $VISUAL, else $EDITOR. The file is called
/// `name`, in a folder below $TMPDIR (else /tmp) that nobody else may enter and that is gone
/// afterwards. A last line's end that `content` did not have is the editor's, and taken off.
///
/// Throws UsageError when there is no editor, Error when it ends with another code than 0: what was
/// written then counts for nothing.
std::string edited_by_hand(const Environment& environment, const std::string& name,
                           const std::string& content);

}  // namespace kinbox::cli
