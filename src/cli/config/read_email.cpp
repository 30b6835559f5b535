#include <charconv>

#include "cli/config/sections.hpp"
#include "cli/config/units.hpp"
#include "cli/config/values.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::cli {
namespace {

using Way = EmailConfig::Way;

constexpr std::string_view kSmtp = "smtp://";
constexpr std::string_view kMaildir = "maildir:";
constexpr std::string_view kFile = "file:";

bool read_port(std::string_view text, std::uint16_t& port) {
  const auto* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, port);
  return error == std::errc{} && rest == end && port > 0;
}

/// "host", "host:25", "[::1]", "[::1]:25".
bool read_server(std::string_view server, email::SmtpSettings& smtp) {
  const bool bracketed = server.starts_with('[');
  const auto end_of_host = bracketed ? server.find(']') : server.find(':');
  smtp.host = server.substr(bracketed ? 1 : 0, end_of_host - (bracketed ? 1 : 0));
  if (bracketed && end_of_host == server.npos) return false;
  const auto rest = end_of_host == server.npos ? std::string_view()
                                               : server.substr(end_of_host + (bracketed ? 1 : 0));
  if (smtp.host.empty() || smtp.host.find_first_of("/@ ") != std::string::npos) return false;
  return rest.empty() || (rest.starts_with(':') && read_port(rest.substr(1), smtp.port));
}

void read_transport(const ConfigNode& node, EmailConfig& email) {
  const auto text = node.text();
  const std::string_view view(text);
  if (view.starts_with(kSmtp)) {
    if (!read_server(view.substr(kSmtp.size()), email.smtp))
      node.problem("\"" + text +
                   "\" names no server; write smtp://HOST or smtp://HOST:PORT, and "
                   "user and password as settings of their own");
    return;
  }
  for (const auto& [prefix, way] : {std::pair{kMaildir, Way::kMaildir}, {kFile, Way::kFile}})
    if (view.starts_with(prefix) && view.size() > prefix.size()) {
      email.way = way;
      email.folder = view.substr(prefix.size());
      return;
    }
  if (!text.empty())
    node.problem("cannot be \"" + text + "\"; use smtp://HOST:PORT, maildir:FOLDER or file:FOLDER");
}

/// "shop@example.com" or "Shop <shop@example.com>".
email::Mailbox read_mailbox(const ConfigNode& node) {
  const auto text = node.text();
  email::Mailbox mailbox{.address = text};
  if (const auto open = text.find('<'); open != text.npos && text.ends_with('>')) {
    mailbox.name = text.substr(0, open);
    mailbox.name.erase(mailbox.name.find_last_not_of(' ') + 1);
    mailbox.address = text.substr(open + 1, text.size() - open - 2);
  }
  if (!text.empty() && !email::is_usable_address(mailbox.address))
    node.problem("\"" + text +
                 "\" is no e-mail address; write shop@example.com or "
                 "Shop <shop@example.com>");
  return mailbox;
}

void read_rate(const ConfigNode& node, EmailConfig& email) {
  const auto text = node.text();
  if (text == "none" || text.empty()) return;
  try {
    email.rate_per_second = parse_rate(text);
    email.rate = text;
  } catch (const ConfigurationError& e) {
    node.problem(std::string(e.what()) + " (none: as many as the server takes)");
  }
}

void read_smtp(ConfigMap& map, EmailConfig& email) {
  auto& smtp = email.smtp;
  if (const auto node = map.take("security")) read_word(*node, smtp.security, words::security());
  map.read("ca_file", smtp.ca_file);
  map.read("user", smtp.user);
  map.read("password", smtp.password);
  if (const auto node = map.take("password_file")) email.password_file = node->text();
  map.read("hello_name", smtp.hello_name);
  map.read("connect_timeout", smtp.connect_timeout);
}

}  // namespace

EmailConfig read_email(const ConfigNode& node) {
  EmailConfig email;
  ConfigMap map(node);
  if (const auto transport = map.take("transport"))
    read_transport(*transport, email);
  else
    node.problem(
        "names no transport; add transport: smtp://HOST:PORT, maildir:FOLDER or "
        "file:FOLDER");
  if (const auto from = map.take("from"))
    email.from = read_mailbox(*from);
  else
    node.problem("names no sender; add from: Shop <shop@example.com>");
  if (const auto reply_to = map.take("reply_to")) email.reply_to = read_mailbox(*reply_to);
  if (const auto templates = map.take("templates")) email.templates = templates->text();
  map.read("senders", email.senders);
  if (const auto rate = map.take("rate")) read_rate(*rate, email);
  map.read("delivery_timeout", email.smtp.delivery_timeout);
  if (const auto policy = map.take("on_unknown"))
    read_word(*policy, email.on_unknown, words::on_unknown());
  read_retry(map, email.retry);
  if (email.way == Way::kSmtp) read_smtp(map, email);
  map.refuse_the_rest();
  return email;
}

std::string transport_text(const EmailConfig& email) {
  if (email.way == Way::kMaildir) return std::string(kMaildir) + email.folder;
  if (email.way == Way::kFile) return std::string(kFile) + email.folder;
  const auto& smtp = email.smtp;
  const bool bracketed = smtp.host.find(':') != std::string::npos;
  return std::string(kSmtp) + (bracketed ? '[' + smtp.host + ']' : smtp.host) +
         (smtp.port == 0 ? "" : ':' + std::to_string(smtp.port));
}

}  // namespace kinbox::cli
