#pragma once

#include "kinbox/handler.hpp"

namespace kinbox::cli {

/// The demo's handler, `demo_confirmation`: plain INSERTs into `demo_orders` and
/// `demo_confirmations`, which have no unique key on purpose. What makes them happen once is not in
/// here. Throws for a buyer that is not in `demo_buyers`, and a RetryableError for one without an
/// address.
HandlerSpec naive_handler();

/// That one, and those that come with kinbox.
std::vector<HandlerSpec> demo_handlers();

}  // namespace kinbox::cli
