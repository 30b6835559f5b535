#pragma once

#include <string>

#include "email/email_rows.hpp"
#include "kinbox/email/sender.hpp"

namespace kinbox::email {

/// Whether a mail of unknown fate is a person's business after so many attempts.
bool is_held(const SenderOptions& options, int attempts);

/// What becomes of `mail` after `delivery`. `random` is uniform in [0, 1), for the backoff; `pause`
/// is how long the sender waits as a whole, for mails that are not to blame for it.
Settlement verdict(const ClaimedMail& mail, const Delivery& delivery, const SenderOptions& options,
                   double random, std::chrono::milliseconds pause);

/// Nothing of it went.
Settlement given_back(const ClaimedMail& mail, std::string why = {},
                      std::chrono::milliseconds delay = {});

/// It will never go.
Settlement failed(const ClaimedMail& mail, std::string why);

/// `reply` for logs: servers like to repeat the address.
std::string without_recipient(std::string reply, const std::string& recipient);

}  // namespace kinbox::email
