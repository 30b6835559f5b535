#pragma once

#include "kinbox/handler.hpp"

namespace kinbox::handlers {

/// Handler `analytics`: counts per seller and day, in the table `analytics_seller_days`.
///
/// - ORDER_CREATED (`/items` with `/sellerId`, `/quantity`, `/unitPrice`): orders, units and
///   revenue of each seller.
/// - ORDER_CANCELLED (`/sellerIds`): cancelled orders.
///
/// The day is that of the record's timestamp, in UTC: a replay counts where the first run did. A
/// record without one is a dead letter at once, code "no_timestamp".
HandlerSpec analytics();

}  // namespace kinbox::handlers
