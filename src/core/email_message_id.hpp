#pragma once

#include <string>
#include <string_view>

namespace kinbox {

/// Throws ConfigurationError when `domain` cannot stand in a Message-ID.
void require_message_id_domain(std::string_view domain);

/// `<type.order.revision@domain>`: the same e-mail has the same Message-ID however often it is
/// sent, and two e-mails never share one. What a Message-ID may not hold, and the '.' between the
/// parts, is written as %XX.
std::string email_message_id(std::string_view email_type, std::string_view order_id, int revision,
                             std::string_view domain);

}  // namespace kinbox
