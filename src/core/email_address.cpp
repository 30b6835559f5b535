#include "kinbox/email_address.hpp"

#include <algorithm>

namespace kinbox::email {
namespace {

// RFC 5321, 4.5.3.1.
constexpr std::size_t kMaxLocalPart = 64;
constexpr std::size_t kMaxDomain = 255;

bool is_harmless(char c) {
  // What is special in a header (RFC 5322, 3.2.3) without quotes, or in SMTP's angle brackets.
  return c > ' ' && c < '\x7F' &&
         std::string_view("()<>[]:;@\\,\"").find(c) == std::string_view::npos;
}

bool is_harmless_part(std::string_view part, std::size_t max) {
  return !part.empty() && part.size() <= max && std::all_of(part.begin(), part.end(), is_harmless);
}

}  // namespace

bool is_usable_address(std::string_view address) {
  const auto at = address.find('@');
  return at != std::string_view::npos && is_harmless_part(address.substr(0, at), kMaxLocalPart) &&
         is_harmless_part(address.substr(at + 1), kMaxDomain);
}

}  // namespace kinbox::email
