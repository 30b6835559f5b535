#include "cli/doctor/examinations.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::cli {

void examine_retention(const Config& config, Database* database, const AskTopic& ask,
                       Findings& findings) {
  constexpr const char* kCheck = "retention";
  if (!config.retention) return findings.ok(kCheck, "nothing is ever pruned");
  if (database == nullptr)
    return findings.skip(kCheck, "the database does not say which consumers it knows");
  try {
    const auto windows = guarding_windows(*config.retention, config.consumers, *database);
    const auto found =
        short_windows(windows, config.retention->margin, config.retention->confirm, ask);
    for (const auto& window : found)
      findings.warn(kCheck, window.text,
                    "lengthen the window, or name it in retention.confirm: " + window.name);
    if (found.empty())
      findings.ok(kCheck, "what topics may deliver again is remembered long enough");
  } catch (const ConfigurationError& e) {
    findings.skip(kCheck, std::string("topics cannot be asked: ") + e.what());
  } catch (const InfrastructureError& e) {
    findings.skip(kCheck, std::string("topics cannot be asked: ") + e.what());
  }
}

}  // namespace kinbox::cli
