#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "kinbox/transaction.hpp"

namespace kinbox {

/// What happened to dead letters after their death: rows of `dead_letter_history`, written in the
/// transaction in which it happens.
class LetterHistory {
 public:
  explicit LetterHistory(const Dialect& dialect);

  /// One row for each of `letters`. `what` is one of the words at the table's definition;
  /// `audit_id` the person's action, if it was one.
  void add(OpenTransaction& tx, std::span<const std::int64_t> letters, std::string_view what,
           std::string_view detail = {}, std::optional<std::int64_t> audit_id = {}) const;

 private:
  BulkStatement insert_;
};

}  // namespace kinbox
