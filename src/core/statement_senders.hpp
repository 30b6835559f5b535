#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "kinbox/transaction.hpp"

namespace kinbox {

/// Which item of a batch sent which statement, so that the right one is blamed whenever the answer
/// comes.
class StatementSenders {
 public:
  /// Thrown instead of an answer: several statements were sent as one, and nobody knows whose
  /// failed.
  struct OneOfSeveral {};

  /// Statements up to `number` are kinbox's own, and answered. `items` will follow.
  void begin_after(StatementNumber number, std::size_t items);
  /// The next item is settled; `number` is the last statement it sent.
  void item_sent_up_to(StatementNumber number) { last_.push_back(number); }

  /// The item whose handler sent `statement`; none when kinbox itself did.
  std::optional<std::size_t> sender_of(StatementNumber statement) const;
  /// The item whose statements include `statement`; `current`, the one being settled, when none
  /// does.
  std::size_t blamed(StatementNumber statement, std::size_t current) const;

 private:
  StatementNumber own_ = 0;
  std::vector<StatementNumber> last_;
};

}  // namespace kinbox
