#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/imported_letter.hpp"
#include "core/letter_history.hpp"
#include "core/letter_insert.hpp"
#include "kinbox/inbox.hpp"

namespace kinbox {

/// What became of an imported letter.
enum class ImportOutcome {
  /// A letter of this consumer now, in the state it came with.
  kImported,
  /// Its event is applied here already: the letter is resolved.
  kAppliedAlready,
  /// Another value was decided about under its id: the letter is open, with reason id_conflict.
  kIdConflict,
  /// There is a letter at its coordinates, or a letter or parked row of its event: nothing was
  /// written.
  kKnown,
};

/// Takes letters in that died elsewhere. Their events get the verdict `dead` where they have none,
/// so that a record which comes by another way does not run beside its letter. They are not in the
/// counters of any position.
class LetterImport {
 public:
  LetterImport(std::string consumer, const Dialect& dialect);

  /// Throws Error, naming the letter by its coordinates, on what cannot be stored: an empty topic
  /// or reason, an id that is none.
  static void require_storable(const ImportedLetter& letter);

  /// Outcomes in the order of `letters`. `from` says in the letters' history where they come from;
  /// `audit_id` whose doing it is. Throws Error as require_storable does.
  std::vector<ImportOutcome> run(OpenTransaction& tx, std::span<const ImportedLetter> letters,
                                 std::string_view from, std::optional<std::int64_t> audit_id) const;

 private:
  struct Entry;
  void pass_over_known_coordinates(OpenTransaction& tx, std::vector<Entry>& entries) const;
  void claim(OpenTransaction& tx, std::vector<Entry>& entries) const;
  void judge_unclaimed(OpenTransaction& tx, std::span<Entry*> entries) const;
  void insert(OpenTransaction& tx, std::span<const Entry> entries, ImportOutcome outcome,
              std::string_view detail, std::optional<std::int64_t> audit_id) const;

  std::string consumer_;
  Inbox inbox_;
  LetterHistory history_;
  LetterInsert insert_;
  BulkStatement find_coordinates_;
  BulkStatement find_events_;
};

}  // namespace kinbox
