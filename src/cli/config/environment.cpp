#include "cli/config/environment.hpp"

#include <unistd.h>

#include <optional>

#include "kinbox/errors.hpp"

namespace kinbox::cli {
namespace {

bool is_name(std::string_view name) {
  constexpr std::string_view kAllowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
  return !name.empty() && name.find_first_not_of(kAllowed) == std::string_view::npos;
}

/// The value of what stands between the braces.
std::string reference(std::string_view inside, const Environment& environment) {
  const auto separator = inside.find(":-");
  const auto name = inside.substr(0, separator);
  if (!is_name(name))
    throw ConfigurationError("${" + std::string(inside) +
                             "} names no environment variable; write $${ for a plain ${");
  const auto found = environment.find(name);
  if (found != environment.end() && !found->second.empty()) return found->second;
  if (separator != std::string_view::npos) return std::string(inside.substr(separator + 2));
  throw ConfigurationError("the environment variable " + std::string(name) +
                           " is not set; set it, or write ${" + std::string(name) + ":-default}");
}

}  // namespace

Environment process_environment() {
  Environment environment;
  for (char** entry = environ; entry && *entry; ++entry) {
    const std::string_view text(*entry);
    const auto equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

std::string expand(std::string_view text, const Environment& environment) {
  std::string expanded;
  while (!text.empty()) {
    const auto dollar = text.find('$');
    expanded += text.substr(0, dollar);
    if (dollar == std::string_view::npos) break;
    text.remove_prefix(dollar);
    if (text.starts_with("$${")) {
      expanded += "${";
      text.remove_prefix(3);
    } else if (text.starts_with("${")) {
      const auto end = text.find('}');
      if (end == std::string_view::npos)
        throw ConfigurationError("a ${ is not closed; write $${ for a plain ${");
      expanded += reference(text.substr(2, end - 2), environment);
      text.remove_prefix(end + 1);
    } else {
      expanded += '$';
      text.remove_prefix(1);
    }
  }
  return expanded;
}

}  // namespace kinbox::cli
