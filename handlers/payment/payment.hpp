#pragma once

#include "kinbox/handler.hpp"

namespace kinbox::handlers {

/// Handler `payment`: books what orders cost.
///
/// - ORDER_CREATED (`/orderId`, `/buyerId`, `/totalAmount`): the buyer's account pays the
///   marketplace's.
/// - ORDER_CANCELLED (`/orderId`): the same amount goes back. Throws RetryableError, code
///   "order_unknown", while nothing was booked for the order.
///
/// One entry per order and kind, and two balances that are written with `balance + x`. Emits
/// `payment.completed` and `payment.refunded`, keyed by the order.
///
/// Settings: `topic`, where its events go; `marketplace.payment` unless told otherwise. Throws
/// ConfigurationError at start for a name that is none.
HandlerSpec payment();

}  // namespace kinbox::handlers
