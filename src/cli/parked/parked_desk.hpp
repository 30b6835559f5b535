#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "cli/dlq/letter_selection.hpp"
#include "core/audit.hpp"
#include "kinbox/database.hpp"
#include "kinbox/dead_letter.hpp"
#include "kinbox/record.hpp"

namespace kinbox::cli {

/// A parked event, as far as one must know it to change it.
struct ParkedEvent {
  std::int64_t id = 0;
  std::string consumer;
  TopicPartition partition;
  std::int64_t queue = 0;
  Offset offset = 0;
  bool has_key = false;
  /// The first of its queue: the others wait for it. Itself if it is that.
  std::int64_t head = 0;

  bool is_head() const noexcept { return head == id; }
};

/// What people do to parked events. Each act changes exactly the given ones and gives the audit
/// row's id; it throws LettersMoved when one is not as it was planned, and nothing of that
/// transaction is changed then. Owners are told.
class ParkedDesk {
 public:
  explicit ParkedDesk(Database& database, std::size_t at_once = 500)
      : database_(database), at_once_(at_once) {}

  /// The selected events, queue by queue in their order. `heads_only`: the first of each queue.
  std::vector<ParkedEvent> plan(const LetterSelection& selection, bool heads_only);

  /// Heads are tried now, and what is behind them when they are through.
  std::int64_t retry(std::span<const ParkedEvent> heads, const Audit::Action& action);

  /// Heads wait alone from now on, as if they had no key: what is behind them is tried now, and
  /// before them.
  std::int64_t release(std::span<const ParkedEvent> heads, const Audit::Action& action);

  /// How a consumer's letters are written.
  using LettersOf = std::function<DeadLetters::Options(const std::string& consumer)>;
  /// The events become open dead letters; what was behind them is tried now.
  std::int64_t dead_letter(std::span<const ParkedEvent> events, const LettersOf& letters_of,
                           const Audit::Action& action);

 private:
  using Events = std::span<const ParkedEvent>;
  std::int64_t apply(Events events, bool as_heads, Audit::Action action,
                     const std::function<void(OpenTransaction&, Events, std::int64_t)>& change);

  Database& database_;
  std::size_t at_once_;
};

/// Makes the parked events `ids` of `options.consumer` open dead letters, and has what was behind
/// them tried. Gives the letters' ids. Inside the caller's transaction, which has locked the
/// positions and tells the owners.
std::vector<std::int64_t> make_dead(OpenTransaction& tx, std::span<const std::int64_t> ids,
                                    const DeadLetters::Options& options);

}  // namespace kinbox::cli
