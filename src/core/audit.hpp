#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "kinbox/transaction.hpp"

namespace kinbox {

/// What people do to kinbox's rows: one row of `audit` for each action, written in the transactions
/// that change them.
class Audit {
 public:
  explicit Audit(const Dialect& dialect);

  struct Action {
    std::string who;
    /// As it is typed: "dlq retry".
    std::string action;
    /// Empty: of several, or of none.
    std::string consumer = {};
    /// Which rows, in words.
    std::string filter = {};
    std::string reason = {};
  };

  /// Writes the action down and gives its id. Its outcome is empty until `note` names one: an
  /// action of several transactions that was cut short can be told.
  std::int64_t begin(OpenTransaction& tx, const Action& action) const;

  /// So many rows were changed by now, all in all.
  void note(OpenTransaction& tx, std::int64_t id, std::int64_t affected,
            std::string_view outcome) const;

 private:
  std::string begin_;
  std::string note_;
};

}  // namespace kinbox
