#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/dlq/letter_act.hpp"
#include "cli/dlq/letter_selection.hpp"
#include "core/audit.hpp"
#include "kinbox/database.hpp"
#include "kinbox/errors.hpp"

namespace kinbox::cli {

/// The letters that an act would change, as they stood when somebody looked.
struct LetterPlan {
  /// In the order of their records, partition by partition: the one in which they are tried.
  std::vector<std::int64_t> ids;

  struct Group {
    std::string consumer;
    std::string group;
    std::string reason;
    std::string handler;
    std::int64_t letters = 0;
  };
  /// The largest first.
  std::vector<Group> groups;

  /// Selected and in the right state, but the act cannot be done to them.
  std::int64_t conflicts = 0;
  std::int64_t purged = 0;

  /// Each once.
  std::vector<std::string> consumers() const;
};

/// Somebody else was at the same letters in the meantime. Exit code 3.
class LettersMoved : public RefusedError {
  using RefusedError::RefusedError;
};

/// What people do to dead letters: plan, show, apply. Writes the audit, the letters' history and
/// the owners' notice in the transactions that change the letters.
class LetterDesk {
 public:
  /// `at_once`: letters that one transaction changes; their partitions stand still meanwhile.
  explicit LetterDesk(Database& database, std::size_t at_once = 5000)
      : database_(database), at_once_(at_once) {}

  /// `selection.states` is not looked at: the act says which. `limit` 0: all.
  LetterPlan plan(const LetterAct& act, const LetterSelection& selection, std::int64_t limit = 0);

  struct Change {
    /// Its consumer is filled in.
    Audit::Action action;
    std::string detail = {};
    /// Letters that become due each second; 0: all at once.
    double rate = 0;
    /// The id that the one letter is tried under.
    std::optional<std::string> retry_as = {};
  };

  /// Changes exactly the planned letters and gives the audit row's id. Throws LettersMoved when one
  /// of them is not as it was planned: nothing of its transaction is changed then, and the text
  /// says who was there and what was changed before.
  std::int64_t apply(const LetterAct& act, const LetterPlan& plan, const Change& change);

  /// Why the act cannot be done to each of `ids`, in their order, and what can.
  std::vector<std::string> explain(const LetterAct& act, std::span<const std::int64_t> ids);

  /// How many of the selected letters are requested already.
  std::int64_t count_requested(const LetterSelection& selection);

  /// Partitions of requested letters that none of `consumers` has ever taken, as
  /// "orders/3 (consumer billing)": their letters are tried once somebody takes them.
  std::vector<std::string> untaken(const std::vector<std::string>& consumers);

  /// Those of `consumers` that no running worker consumes for.
  std::vector<std::string> idle(const std::vector<std::string>& consumers);

 private:
  std::string last_done(OpenTransaction& tx, std::int64_t letter);
  /// Who was there first, if a letter is not as it was planned.
  std::optional<std::string> change(OpenTransaction& tx, const LetterAct& act,
                                    std::span<const std::int64_t> ids, std::size_t before,
                                    const Change& change);

  Database& database_;
  std::size_t at_once_;
};

}  // namespace kinbox::cli
