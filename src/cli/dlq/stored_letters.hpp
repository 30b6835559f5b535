#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cli/dlq/letter_json.hpp"
#include "cli/dlq/letter_selection.hpp"
#include "kinbox/transaction.hpp"

namespace kinbox::cli {

/// Ids of the selected letters that have their payload, partition by partition in order of their
/// records. `limit` 0: all.
std::vector<std::int64_t> stored_ids(OpenTransaction& tx, const LetterSelection& selection,
                                     std::int64_t limit);

/// The letters with everything that an import needs, in the order of `ids`; those that are gone are
/// left out.
std::vector<ConsumerLetter> stored_letters(OpenTransaction& tx, std::span<const std::int64_t> ids);

}  // namespace kinbox::cli
