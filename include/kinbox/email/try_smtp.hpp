#pragma once

#include <string>

#include "kinbox/email/smtp.hpp"

namespace kinbox::email {

/// Connects, greets (EHLO), starts TLS and logs in as a delivery would, and sends nothing. Returns
/// what that was, for people. Throws as make_smtp, and InfrastructureError that says what to look
/// at when the server does not take it.
std::string try_smtp(SmtpSettings settings);

}  // namespace kinbox::email
