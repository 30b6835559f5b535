#pragma once

#include <chrono>
#include <exception>
#include <optional>

#include "kinbox/dead_letter.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/on_error.hpp"

namespace kinbox {

/// An event's transaction breaks every time although the database answers.
class KillsTransaction : public Error {
  using Error::Error;
};

/// What an error says about what to do next.
struct Diagnosis {
  /// Type, code and text are filled in.
  Failure failure;
  ErrorClass error_class = ErrorClass::kOther;
  /// Trying again cannot help.
  bool permanent = false;
  /// When the handler itself said when to try again.
  std::optional<std::chrono::milliseconds> retry_after;
};

/// Looks at what a handler threw, whatever it was.
Diagnosis diagnose(const std::exception_ptr& error);

}  // namespace kinbox
