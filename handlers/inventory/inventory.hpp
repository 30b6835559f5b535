#pragma once

#include "kinbox/handler.hpp"

namespace kinbox::handlers {

/// Handler `inventory`: sets stock aside for orders.
///
/// - ORDER_CREATED (`/orderId`, `/items` with `/productId` and `/quantity`): all of the order's
///   products or none. Too little stock is no error: the order is rejected.
/// - ORDER_CANCELLED (`/orderId`): gives back what was set aside. Throws RetryableError, code
///   "order_unknown", while the order has not arrived.
/// - STOCK_RECEIVED (`/productId`, `/quantity`): there is more.
///
/// Emits `inventory.reserved`, `inventory.reservation.rejected` and `inventory.released`, keyed by
/// the order.
///
/// Settings: `topic`, where its events go; `marketplace.inventory` unless told otherwise. Throws
/// ConfigurationError at start for a name that is none.
HandlerSpec inventory();

}  // namespace kinbox::handlers
