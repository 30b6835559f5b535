#include "kinbox/dlq_budget.hpp"

#include <algorithm>
#include <utility>

#include "core/replaced.hpp"

namespace kinbox {
namespace {

// $2: capacity, $3: earned, $4: letters.
constexpr std::string_view kSpend =
    "UPDATE {kinbox}.consumers SET dlq_tokens = {left} - $4 WHERE name = $1 AND {left} >= $4";
constexpr std::string_view kLeft =
    "(CASE WHEN COALESCE(dlq_tokens, $2) + $3 > $2 THEN $2 ELSE COALESCE(dlq_tokens, $2) + $3 END)";

}  // namespace

DlqBudget::DlqBudget(std::string consumer, DlqBudgetOptions options, const Dialect& dialect)
    : consumer_(std::move(consumer)),
      options_(options),
      spend_(dialect.render(replaced(kSpend, "{left}", kLeft))) {}

bool DlqBudget::spend(OpenTransaction& tx, std::size_t letters) const {
  return tx.execute(spend_, consumer_, options_.capacity, earned_, static_cast<double>(letters))
             .affected_rows() == 1;
}

void DlqBudget::committed(std::size_t letters, std::size_t applied) noexcept {
  if (letters > 0) earned_ = 0;
  earned_ =
      std::min(options_.capacity, earned_ + options_.per_success * static_cast<double>(applied));
}

}  // namespace kinbox
