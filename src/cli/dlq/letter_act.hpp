#pragma once

#include <string>
#include <string_view>

namespace kinbox::cli {

/// One thing that a person does to dead letters.
struct LetterAct {
  /// As it is typed.
  std::string command;
  /// "812 letters ...".
  std::string done;
  /// The states it takes letters from, as SQL: "'open', 'requested'".
  std::string_view from;
  std::string_view to;
  /// What else must hold of a letter's columns.
  std::string_view condition;
  /// Its word in the letters' history.
  std::string_view what;
};

namespace acts {

// Under its own id, an id_conflict would be a duplicate of the other event.
inline const LetterAct kRetry{
    "dlq retry",
    "requested",
    "'open'",
    "requested",
    "purged_at IS NULL AND (reason <> 'id_conflict' OR retry_as IS NOT NULL)",
    "requested"};
inline const LetterAct kRetryAs{
    "dlq retry",
    "requested",
    "'open'",
    "requested",
    "purged_at IS NULL AND (reason = 'id_conflict' OR event_id IS NULL)",
    "requested"};
inline const LetterAct kDiscard{"dlq discard", "discarded", "'open', 'requested'",
                                "discarded",   "1 = 1",     "discarded"};
inline const LetterAct kRestore{"dlq restore", "restored",          "'discarded'",
                                "open",        "purged_at IS NULL", "restored"};

inline const LetterAct kEdit{"dlq edit", "edited", "'open'", "open", "purged_at IS NULL", "edited"};

}  // namespace acts

}  // namespace kinbox::cli
