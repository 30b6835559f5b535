#pragma once

#include <string>

#include "cli/invocation.hpp"

namespace kinbox::cli {

/// Whether the person agrees to `question`: `yes` says they did on the line, else they are asked.
/// An answer other than y or yes is no, and said on stderr. Throws UsageError where nobody can be
/// asked.
bool agreed(const Invocation& invocation, const std::string& question, bool yes);

/// The same for what cannot be undone: they type `name`, or gave it on the line as `confirm`.
/// Another name on the line is a UsageError.
bool agreed_by_name(const Invocation& invocation, const std::string& question,
                    const std::string& name, const std::string& confirm);

}  // namespace kinbox::cli
