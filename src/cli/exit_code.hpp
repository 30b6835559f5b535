#pragma once

namespace kinbox::cli {

/// How a command ended. 64, 69 and 78 are those of sysexits.h.
enum class ExitCode {
  kOk = 0,
  kFailed = 1,
  /// Not an error, but somebody has something to do: pending migrations, halted partitions.
  kNotClean = 2,
  kRefused = 3,
  kUsage = 64,
  kUnavailable = 69,
  kConfiguration = 78,
};

}  // namespace kinbox::cli
