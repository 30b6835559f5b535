#include "core/email_message_id.hpp"

#include "kinbox/errors.hpp"

namespace kinbox {
namespace {

constexpr std::string_view kPlain =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

void append_escaped(std::string& text, std::string_view part) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char c : part) {
    const auto byte = static_cast<unsigned char>(c);
    if (kPlain.find(c) != std::string_view::npos)
      text += c;
    else
      text += {'%', kHex[byte >> 4], kHex[byte & 15]};
  }
}

bool is_domain_character(char c) { return c == '.' || (c != '_' && kPlain.find(c) != kPlain.npos); }

}  // namespace

void require_message_id_domain(std::string_view domain) {
  bool usable = !domain.empty() && domain.front() != '.' && domain.back() != '.' &&
                domain.find("..") == std::string_view::npos;
  for (const char c : domain) usable = usable && is_domain_character(c);
  if (!usable)
    throw ConfigurationError("message_id.domain \"" + std::string(domain) +
                             "\": write a domain name, as in mail.example.com");
}

std::string email_message_id(std::string_view email_type, std::string_view order_id, int revision,
                             std::string_view domain) {
  std::string id("<");
  append_escaped(id, email_type);
  id += '.';
  append_escaped(id, order_id);
  id += '.' + std::to_string(revision) + '@';
  return id.append(domain).append(">");
}

}  // namespace kinbox
