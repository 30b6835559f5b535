#pragma once

#include <CLI/CLI.hpp>

namespace kinbox::cli {

// What an option that takes a whole number may be. CLI11's own checks name the limits of a double,
// in three hundred digits.

/// From 1 on.
CLI::Validator from_one();
/// From 0 on.
CLI::Validator from_zero();

}  // namespace kinbox::cli
