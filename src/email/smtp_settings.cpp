#include "email/smtp_settings.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "kinbox/errors.hpp"

namespace kinbox::email {
namespace {

bool is_name(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._:").find(c) != std::string_view::npos;
  });
}

bool is_ipv6(std::string_view host) { return host.find(':') != std::string_view::npos; }

bool is_this_machine(std::string_view host) {
  return host == "localhost" || host.starts_with("127.") || host == "::1";
}

void require_certificates(const std::string& path) {
  std::ostringstream text;
  if (std::filesystem::is_regular_file(path)) text << std::ifstream(path).rdbuf();
  if (text.str().find("-----BEGIN ") == std::string::npos)
    throw ConfigurationError("smtp.ca_file: " + path +
                             " cannot be read, or is no PEM file of certificates");
}

}  // namespace

void require_usable(const SmtpSettings& settings) {
  const auto refuse = [](const std::string& text) { throw ConfigurationError("smtp." + text); };
  if (settings.host.empty()) refuse("host: name the server");
  if (!is_name(settings.host)) refuse("host: write a host's name or address, and the port apart");
  if (!is_name(settings.hello_name)) refuse("hello_name: write a host's name");
  if (!settings.ca_file.empty()) require_certificates(settings.ca_file);
  if (settings.user.empty() != settings.password.empty())
    refuse("user, smtp.password: one does not work without the other");
  if (settings.security == Security::kNone && !settings.user.empty() &&
      !is_this_machine(settings.host))
    refuse("security: none would show the password to everybody on the way; use starttls or tls");
  if (settings.connect_timeout <= settings.connect_timeout.zero()) refuse("connect_timeout: is 0");
  if (settings.delivery_timeout < settings.connect_timeout)
    refuse("delivery_timeout: is shorter than connect_timeout, which it includes");
}

std::uint16_t port_of(const SmtpSettings& settings) {
  if (settings.port != 0) return settings.port;
  switch (settings.security) {
    case Security::kStartTls:
      return 587;
    case Security::kTls:
      return 465;
    case Security::kNone:
      break;
  }
  return 25;
}

std::string server_name(const SmtpSettings& settings) {
  const auto host = is_ipv6(settings.host) ? '[' + settings.host + ']' : settings.host;
  return host + ':' + std::to_string(port_of(settings));
}

std::string smtp_url(const SmtpSettings& settings) {
  const std::string scheme = settings.security == Security::kTls ? "smtps://" : "smtp://";
  return scheme + server_name(settings) + '/' + settings.hello_name;
}

}  // namespace kinbox::email
