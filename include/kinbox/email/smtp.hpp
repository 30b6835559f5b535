#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "kinbox/email/transport.hpp"

namespace kinbox::email {

enum class Security {
  /// Nothing is encrypted: for servers on this machine, or behind somebody else's TLS.
  kNone,
  /// The connection starts plain and must become TLS before anything else is said.
  kStartTls,
  /// TLS from the first byte.
  kTls,
};

struct SmtpSettings {
  std::string host;
  /// 0: 587 for kStartTls, 465 for kTls, 25 for kNone.
  std::uint16_t port = 0;
  Security security = Security::kStartTls;
  /// PEM file of the authorities to trust; empty: the system's.
  std::string ca_file = {};
  /// Empty: no login.
  std::string user = {};
  std::string password = {};
  /// What EHLO says; empty: the machine's name.
  std::string hello_name = {};
  /// Until the server is ready for a mail: connecting, its greeting, TLS and login.
  std::chrono::milliseconds connect_timeout{10'000};
  /// Until a mail is delivered, from the connection to the last answer.
  std::chrono::milliseconds delivery_timeout{60'000};
};

/// A connection to an SMTP server that is made with the first delivery, kept for the next ones, and
/// made again when the server has closed it meanwhile. The server's certificate is always checked,
/// its name too.
///
/// Throws ConfigurationError for settings that cannot work: no host, a CA file that cannot be read,
/// a login over a connection that is not encrypted to a host that is not this one, control
/// characters.
std::unique_ptr<Transport> make_smtp(SmtpSettings settings);

}  // namespace kinbox::email
