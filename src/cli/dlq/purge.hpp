#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "cli/dlq/letter_selection.hpp"
#include "core/audit.hpp"
#include "kinbox/database.hpp"

namespace kinbox::cli {

/// The failing events of one person, by consumer.
struct PurgePlan {
  struct Of {
    std::vector<std::int64_t> letters;
    std::vector<std::int64_t> parked;
    std::vector<TopicPartition> partitions;
  };
  std::map<std::string, Of> by_consumer;

  std::int64_t letters() const;
  std::int64_t parked() const;
};

/// `selection`: by key, event id, or both. What was purged before is left out.
PurgePlan plan_purge(Database& database, const LetterSelection& selection);

/// Erases what the records held, for good: key, value, headers, an edited value and texts of
/// errors, which may quote them. Verdicts, coordinates, fingerprints and reasons stay. What waited
/// is never tried any more: parked events become purged letters, letters are discarded, and letters
/// that are yet to be sent to a topic are not. One transaction; gives the audit row's id. Plans
/// anew, and throws LettersMoved if that is not `agreed`.
std::int64_t purge(Database& database, const LetterSelection& selection, const PurgePlan& agreed,
                   Audit::Action action);

}  // namespace kinbox::cli
