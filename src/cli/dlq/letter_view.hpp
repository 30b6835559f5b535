#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/dlq/letter_selection.hpp"
#include "cli/output/page.hpp"
#include "kinbox/database.hpp"
#include "kinbox/rows.hpp"

namespace kinbox::cli {

/// One row per consumer and group, the largest first, with what its latest letter says. Only
/// consumer, group and states of the selection count: these an index has.
BoundSql groups_sql(const LetterSelection& selection, std::int64_t limit);

enum class Content { kNone, kRecord };

/// A state and a consumer that has letters in it. There are few of them, and of each an index has
/// the letters in order: pages are made of them.
struct LetterKind {
  std::string state;
  std::string consumer;

  bool operator==(const LetterKind&) const = default;
};

/// All there are, found by an index without counting letters.
BoundSql letter_kinds_sql();

/// Letters by id, of `kinds` as far as they are selected; `kRecord` has the columns that a record
/// is made of, too. Nothing if none of the kinds is.
std::optional<BoundSql> letters_sql(const LetterSelection& selection,
                                    const std::vector<LetterKind>& kinds, const Page& page,
                                    Content content);

/// A letter, as far as there is one.
struct LetterDetail {
  /// One row, or none.
  Rows letter;
  /// What happened to it since, the oldest first: at, what, detail, audit, who, action, reason.
  Rows history;
};

/// The tables of dead letters, for commands that look. Each call is a transaction of its own; what
/// cannot be carried out throws InfrastructureError. Columns are named as the commands name them.
class LetterView {
 public:
  explicit LetterView(Database& database) : database_(database) {}

  std::vector<LetterKind> kinds();
  Rows groups(const LetterSelection& selection, std::int64_t limit);
  Rows list(const LetterSelection& selection, const Page& page, Content content = Content::kNone);
  LetterDetail show(std::int64_t id);

 private:
  Database& database_;
};

}  // namespace kinbox::cli
