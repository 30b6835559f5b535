#include "cli/audit/operator_name.hpp"

#include <pwd.h>
#include <unistd.h>

#include <array>

namespace kinbox::cli {
namespace {

std::string user() {
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  const auto id = ::geteuid();
  // A container's user may have a number only.
  if (::getpwuid_r(id, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
    return "uid " + std::to_string(id);
  return found->pw_name;
}

std::string host() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "unknown host";
  return name.data();
}

}  // namespace

std::string operator_name(const std::string& given, const Environment& environment) {
  if (!given.empty()) return given;
  const auto variable = environment.find("KINBOX_OPERATOR");
  if (variable != environment.end() && !variable->second.empty()) return variable->second;
  return user() + '@' + host();
}

}  // namespace kinbox::cli
