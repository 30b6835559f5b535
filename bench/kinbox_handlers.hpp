#pragma once

#include "kinbox/handler.hpp"

namespace kinbox::bench {

/// One INSERT per event, as a user would write it.
HandlerSpec store_order();
/// Adds each order's amount to one of kHotRows accounts.
HandlerSpec add_to_account();

}  // namespace kinbox::bench
