#include "kinbox/observe/log.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/ansicolor_sink.h>
#include <spdlog/sinks/ostream_sink.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "kinbox/observe/printable.hpp"

namespace kinbox::observe {
namespace {

constexpr const char* kHumanPattern = "%Y-%m-%dT%H:%M:%S.%eZ %^%-7l%$ %v";

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::string_view to_word(LogLevel level) {
  const auto word = spdlog::level::to_string_view(to_spdlog(level));
  return {word.data(), word.size()};
}

std::string now_text() {
  using namespace std::chrono;
  const auto now = system_clock::now();
  const auto seconds = system_clock::to_time_t(now);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[40];
  const auto size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  const auto milliseconds = duration_cast<std::chrono::milliseconds>(now.time_since_epoch()) % 1000;
  std::snprintf(text + size, sizeof text - size, ".%03dZ", static_cast<int>(milliseconds.count()));
  return text;
}

std::string human(std::string_view who, const LogLine& line) {
  return printable(who.empty() ? line.text : std::string(who) + ": " + line.text);
}

std::string json(std::string_view who, const LogLine& line) {
  nlohmann::ordered_json object;
  object["time"] = now_text();
  object["level"] = to_word(line.level);
  if (!who.empty()) object["consumer"] = who;
  object["kind"] = line.kind;
  object["message"] = line.text;
  for (const auto& [name, value] : line.fields)
    std::visit([&, &field = name](const auto& v) { object[field] = v; }, value);
  return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::shared_ptr<spdlog::sinks::sink> stderr_sink(bool no_color) {
  using spdlog::color_mode;
  return std::make_shared<spdlog::sinks::ansicolor_stderr_sink_mt>(
      no_color ? color_mode::never : color_mode::automatic);
}

LogFormat resolved(LogFormat format, bool terminal) {
  if (format != LogFormat::kAuto) return format;
  return terminal ? LogFormat::kHuman : LogFormat::kJson;
}

}  // namespace

class Log::Impl {
 public:
  Impl(std::shared_ptr<spdlog::sinks::sink> sink, LogFormat format, LogLevel level)
      : format_(format), logger_("kinbox", std::move(sink)) {
    logger_.set_level(to_spdlog(level));
    logger_.flush_on(spdlog::level::debug);
    logger_.set_pattern(format == LogFormat::kHuman ? kHumanPattern : "%v",
                        spdlog::pattern_time_type::utc);
  }

  void write(std::string_view who, const LogLine& line) {
    const auto level = to_spdlog(line.level);
    if (!logger_.should_log(level)) return;
    logger_.log(level, format_ == LogFormat::kHuman ? human(who, line) : json(who, line));
  }

 private:
  LogFormat format_;
  spdlog::logger logger_;
};

Log::Log(const LogOptions& options)
    : impl_(std::make_unique<Impl>(stderr_sink(options.no_color),
                                   resolved(options.format, isatty(STDERR_FILENO) == 1),
                                   options.level)) {}

Log::Log(const LogOptions& options, std::ostream& out)
    : impl_(std::make_unique<Impl>(std::make_shared<spdlog::sinks::ostream_sink_mt>(out),
                                   resolved(options.format, false), options.level)) {}

Log::~Log() = default;

void Log::write(std::string_view who, const LogLine& line) { impl_->write(who, line); }

void Log::info(std::string_view kind, std::string_view text) {
  write({}, {LogLevel::kInfo, std::string(kind), std::string(text)});
}

void Log::warning(std::string_view kind, std::string_view text) {
  write({}, {LogLevel::kWarning, std::string(kind), std::string(text)});
}

void Log::error(std::string_view kind, std::string_view text) {
  write({}, {LogLevel::kError, std::string(kind), std::string(text)});
}

}  // namespace kinbox::observe
