#include "handlers/handlers.hpp"

#include "handlers/analytics/analytics.hpp"
#include "handlers/email_confirmation/email_confirmation.hpp"
#include "handlers/inventory/inventory.hpp"
#include "handlers/notification/notification.hpp"
#include "handlers/order_view/order_view.hpp"
#include "handlers/payment/payment.hpp"

namespace kinbox {

std::vector<HandlerSpec> shipped_handlers() {
  return {handlers::order_view(), handlers::email_confirmation(), handlers::inventory(),
          handlers::payment(),    handlers::notification(),       handlers::analytics()};
}

}  // namespace kinbox
