#include "cli/config/redact.hpp"

#include <algorithm>
#include <cctype>
#include <vector>

namespace kinbox::cli {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

std::string joined(const std::vector<std::string>& parts, char separator) {
  std::string text;
  for (const auto& part : parts)
    text += (text.empty() ? std::string() : std::string(1, separator)) + part;
  return text;
}

/// `name=value` pairs of a query, secrets hidden.
std::string redacted_query(std::string_view query) {
  std::vector<std::string> parts;
  while (!query.empty()) {
    const auto part = query.substr(0, query.find('&'));
    const auto name = part.substr(0, part.find('='));
    parts.push_back(is_secret_name(name) ? std::string(name) + '=' + std::string(kRedacted)
                                         : std::string(part));
    query.remove_prefix(std::min(part.size() + 1, query.size()));
  }
  return joined(parts, '&');
}

std::string redacted_url(std::string_view url) {
  const auto authority = url.find("://") + 3;
  const auto query = std::min(url.find('?'), url.size());
  // The last '@': a password that holds one unescaped must not show its end.
  const auto at = url.substr(0, query).rfind('@');
  std::string text(url.substr(0, authority));
  std::string_view rest = url.substr(authority, query - authority);
  if (at != std::string_view::npos && at > authority) {
    const auto user = rest.substr(0, at - authority);
    const auto colon = user.find(':');
    text += user.substr(0, colon);
    if (colon != std::string_view::npos) text += ':' + std::string(kRedacted);
    rest.remove_prefix(at - authority);
  }
  text += rest;
  if (query < url.size()) text += '?' + redacted_query(url.substr(query + 1));
  return text;
}

}  // namespace

bool is_secret_name(std::string_view name) {
  const auto text = lower(name);
  constexpr std::string_view kWords[] = {"password", "secret", "token",
                                         "pem",      "jaas",   "credential"};
  return std::any_of(std::begin(kWords), std::end(kWords),
                     [&](std::string_view word) { return text.find(word) != std::string::npos; });
}

std::string redacted_uri(std::string_view uri) {
  if (uri.starts_with("postgres://") || uri.starts_with("postgresql://")) return redacted_url(uri);
  // key=value form: quoting makes its end hard to see, so a password hides what follows too.
  const auto text = lower(uri);
  const auto at = text.find("password");
  if (at == std::string::npos) return std::string(uri);
  return std::string(uri.substr(0, at)) + "password=" + std::string(kRedacted);
}

}  // namespace kinbox::cli
