#pragma once

#include "kinbox/handler.hpp"

namespace kinbox::handlers {

/// Handler `email_confirmation`: writes the confirmation that the buyer of an ORDER_CREATED is to
/// get into the table `email_outbox`, once per order. Sending it is somebody else's job.
///
/// Settings:
/// - `recipient.pointer`: the address in the payload; `/buyerEmail` unless told otherwise.
/// - `recipient.sql`: instead, a SELECT of the address with the payload's `/buyerId` as `$1`. No
/// row
///   is tried again (RetryableError: the buyer may be on the way), an empty address is not.
/// - `message_id.domain`: the right side of the Message-ID; `kinbox.invalid` unless told otherwise.
///
/// Throws ConfigurationError at start for settings that cannot work.
HandlerSpec email_confirmation();

}  // namespace kinbox::handlers
