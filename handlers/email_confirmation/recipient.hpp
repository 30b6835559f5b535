#pragma once

#include <string>

#include "kinbox/handler.hpp"
#include "kinbox/json.hpp"

namespace kinbox::handlers {

/// Where the address of an order's buyer is found: in the payload, or in the user's own tables.
class Recipient {
 public:
  /// Takes `recipient.pointer` or `recipient.sql`. Throws ConfigurationError when both are set, or
  /// one is of no use.
  explicit Recipient(const HandlerContext& context);

  /// Throws PermanentError when there is no usable address, RetryableError when the SQL gives no
  /// row: that the buyer is not known yet may heal, an order without an address does not.
  std::string find(const JsonPayload& order, Transaction& tx) const;

 private:
  std::string find_by_sql(const JsonPayload& order, Transaction& tx) const;

  std::string pointer_;
  /// Empty: the pointer is used.
  std::string sql_;
};

}  // namespace kinbox::handlers
