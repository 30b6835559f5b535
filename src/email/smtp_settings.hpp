#pragma once

#include <string>

#include "kinbox/email/smtp.hpp"

namespace kinbox::email {

/// Throws ConfigurationError for what cannot work: see make_smtp.
void require_usable(const SmtpSettings& settings);

/// The port, also when the settings leave it to us.
std::uint16_t port_of(const SmtpSettings& settings);

/// "host:port", for texts.
std::string server_name(const SmtpSettings& settings);

/// As libcurl wants it: scheme, server, and what EHLO says.
std::string smtp_url(const SmtpSettings& settings);

}  // namespace kinbox::email
