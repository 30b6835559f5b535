#pragma once

#include <memory>

#include "cli/config/config.hpp"
#include "kinbox/email/sender.hpp"

namespace kinbox::cli {

/// Refuses what needs neither database, folder nor server to be seen: templates, password, settings
/// of the server. Throws ConfigurationError.
void require_usable(const EmailConfig& config);

/// What the section `email` of the configuration asks for. Reads templates and password now,
/// touches neither database nor server. Throws ConfigurationError.
std::unique_ptr<email::EmailSender> make_mail_sender(const EmailConfig& config,
                                                     DatabaseFactory databases, Observer& observer);

}  // namespace kinbox::cli
