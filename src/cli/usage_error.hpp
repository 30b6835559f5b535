#pragma once

#include "kinbox/errors.hpp"

namespace kinbox::cli {

/// The line makes sense, but not with this configuration (a consumer it does not have). Exit code
/// 64.
class UsageError : public Error {
  using Error::Error;
};

}  // namespace kinbox::cli
