#pragma once

#include "kinbox/handler.hpp"

namespace kinbox::handlers {

/// Handler `email_confirmation`: hands the mails over that the buyer of an order is to get, each
/// once per order: `order_confirmation` for ORDER_CREATED, `order_shipped` for ORDER_SHIPPED. They
/// are rows of `email_outbox`; an email::EmailSender sends them.
///
/// Settings:
/// - `recipient.pointer`: the address in the payload; `/buyerEmail` unless told otherwise.
/// - `recipient.sql`: instead, a SELECT of the address with the payload's `/buyerId` as `$1`. No
///   row is tried again (RetryableError: the buyer may be on the way), an empty address is not.
/// - `message_id.domain`: the right side of the Message-ID; `kinbox.invalid` unless told otherwise.
///
/// Throws ConfigurationError at start for settings that cannot work.
HandlerSpec email_confirmation();

}  // namespace kinbox::handlers
