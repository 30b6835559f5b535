#pragma once

#include <kinbox/handler.hpp>

namespace bank {

/// Handler `credit_account`: adds what PAYMENT_CAPTURED says to the balance of its account.
///
/// Reads `/account` and `/cents`. An amount that is not positive is a dead letter at once.
kinbox::HandlerSpec credit_account();

}  // namespace bank
