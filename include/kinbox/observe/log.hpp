#pragma once

#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace kinbox::observe {

enum class LogFormat {
  /// kHuman on a terminal, kJson otherwise.
  kAuto,
  kHuman,
  /// One JSON object per line: time, level, consumer, kind, message, then what the line is about.
  kJson,
};

enum class LogLevel { kDebug, kInfo, kWarning, kError };

struct LogOptions {
  LogFormat format = LogFormat::kAuto;
  /// Lines below it are not written.
  LogLevel level = LogLevel::kInfo;
  /// Even on a terminal. NO_COLOR is the caller's to look at.
  bool no_color = false;
};

using LogValue = std::variant<std::int64_t, std::string>;

/// One line before it has a form. `text` says it all to a person; `kind` and `fields` say it to a
/// program. Neither ever holds a payload or a secret.
struct LogLine {
  LogLevel level = LogLevel::kInfo;
  /// A stable word: "dead_lettered".
  std::string kind;
  std::string text;
  std::vector<std::pair<std::string, LogValue>> fields = {};
};

/// Where a process writes what happens: stderr, or a stream in tests.
///
/// Thread-safe; lines are whole.
class Log {
 public:
  /// Writes to stderr.
  explicit Log(const LogOptions& options);
  /// Writes to `out`, which must outlive it; kAuto means kJson there.
  Log(const LogOptions& options, std::ostream& out);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  /// `who` is the consumer (or "relay"); empty for the process itself.
  void write(std::string_view who, const LogLine& line);

  void info(std::string_view kind, std::string_view text);
  void warning(std::string_view kind, std::string_view text);
  void error(std::string_view kind, std::string_view text);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kinbox::observe
