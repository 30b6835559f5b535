#include "cli/retention/start_check.hpp"

#include "cli/retention/short_windows.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::cli {
namespace {

constexpr std::chrono::milliseconds kBetweenQuestions{2'000};
constexpr std::string_view kNotAsked = "how long topics keep their records cannot be asked: ";

void refuse(const std::vector<ShortWindow>& windows) {
  if (windows.empty()) return;
  std::string text;
  for (const auto& window : windows)
    text += (text.empty() ? "" : "\n") + window.text + ", or name " + window.name +
            " in retention.confirm (retention.strict is true)";
  throw RefusedError(text);
}

void warn(const std::vector<ShortWindow>& windows, observe::Log& log) {
  for (const auto& window : windows)
    log.warning("short_window", window.text + ". It is not pruned meanwhile, unless " +
                                    window.name + " stands in retention.confirm");
}

}  // namespace

bool check_windows(const RetentionConfig& retention, std::span<const ConsumerConfig> consumers,
                   const DatabaseFactory& databases, const kafka::Settings& settings,
                   Patience patience, StopSignals& signals, observe::Log& log) {
  const auto ask = ask_brokers(settings);
  for (;;) {
    try {
      const auto windows = guarding_windows(retention, consumers, *databases());
      const auto found = short_windows(windows, retention.margin, retention.confirm, ask);
      retention.strict ? refuse(found) : warn(found, log);
      return true;
    } catch (const ConfigurationError& e) {
      if (retention.strict) throw;
      log.warning("unavailable", std::string(kNotAsked) + e.what());
      return true;
    } catch (const InfrastructureError& e) {
      if (retention.strict && patience == Patience::kNone) throw;
      log.warning("unavailable",
                  std::string(kNotAsked) + e.what() +
                      (retention.strict ? "; trying again" : "; windows are not compared now"));
      if (!retention.strict) return true;
      if (signals.wait(kBetweenQuestions)) return false;
    }
  }
}

}  // namespace kinbox::cli
