#pragma once

#include "kinbox/handler.hpp"

namespace kinbox::handlers {

/// Handler `order_view`: keeps the table `order_view`, one row per order, as ORDER_CREATED tells
/// it.
///
/// Reads `/orderId`, `/orderNumber`, `/buyerId`, `/sellerIds` (an array) and `/totalAmount`; a
/// payload that lacks one of them is a dead letter at once. A second event about the same order
/// replaces the row and raises its `version`: the number of events that shaped it.
HandlerSpec order_view();

}  // namespace kinbox::handlers
