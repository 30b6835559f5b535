#include "core/statement_senders.hpp"

#include <algorithm>

namespace kinbox {

void StatementSenders::begin_after(StatementNumber number, std::size_t items) {
  own_ = number;
  last_.reserve(items);
}

std::optional<std::size_t> StatementSenders::sender_of(StatementNumber statement) const {
  if (statement == kOneOfSeveral) throw OneOfSeveral{};
  if (statement <= own_ || last_.empty() || statement > last_.back()) return std::nullopt;
  return blamed(statement, 0);
}

std::size_t StatementSenders::blamed(StatementNumber statement, std::size_t current) const {
  if (statement == kOneOfSeveral) throw OneOfSeveral{};
  if (statement == 0) return current;
  const auto item = std::lower_bound(last_.begin(), last_.end(), statement);
  return item == last_.end() ? current : static_cast<std::size_t>(item - last_.begin());
}

}  // namespace kinbox
