#pragma once

#include "kinbox/handler.hpp"

namespace kinbox::handlers {

/// Handler `notification`: tells the buyer and every seller of an order what became of it, in the
/// table `notifications`, once per recipient, order and kind.
///
/// Takes ORDER_CREATED, ORDER_PAID, ORDER_SHIPPED, ORDER_DELIVERED and ORDER_CANCELLED, in any
/// order, and reads `/orderId`, `/orderNumber`, `/buyerId` and `/sellerIds`.
HandlerSpec notification();

}  // namespace kinbox::handlers
