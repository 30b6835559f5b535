#include "cli/confirm.hpp"

#include "cli/usage_error.hpp"
#include "kinbox/observe/printable.hpp"

namespace kinbox::cli {
namespace {

constexpr const char* kNothingChanged = "nothing was changed\n";

}  // namespace

bool agreed(const Invocation& invocation, const std::string& question, bool yes) {
  if (yes) return true;
  if (!invocation.ask)
    throw UsageError(question + " There is no terminal to ask at: repeat the command with --yes");
  const auto answer = invocation.ask(question + " [y/N] ");
  if (answer == "y" || answer == "yes") return true;
  invocation.io.err << kNothingChanged;
  return false;
}

bool agreed_by_name(const Invocation& invocation, const std::string& question,
                    const std::string& name, const std::string& confirm) {
  if (confirm == name) return true;
  const auto shown = observe::printable(name);
  if (!confirm.empty())
    throw UsageError("--confirm says \"" + observe::printable(confirm) +
                     "\", and this is about \"" + shown + "\"");
  if (!invocation.ask)
    throw UsageError(question +
                     " There is no terminal to ask at: repeat the command with --confirm=" + shown);
  if (invocation.ask(question + " Type " + shown + " to go on: ") == name) return true;
  invocation.io.err << kNothingChanged;
  return false;
}

}  // namespace kinbox::cli
