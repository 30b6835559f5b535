#include "handlers/orders/lines.hpp"

#include "kinbox/errors.hpp"

namespace kinbox::handlers {

std::vector<JsonPayload> order_lines(const JsonPayload& order) {
  auto lines = order.elements("/items");
  if (lines.empty()) throw PermanentError("payload: \"/items\" is empty", "no_items");
  return lines;
}

}  // namespace kinbox::handlers
