#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kinbox/fingerprint.hpp"
#include "kinbox/record.hpp"
#include "kinbox/transaction.hpp"

namespace kinbox {

/// What became of an event. The text forms stand in `processed_events.verdict`.
enum class Verdict { kApplied, kParked, kDead, kSkipped };

std::string_view to_text(Verdict verdict);
/// Throws Error on a word that is none.
Verdict verdict_from(std::string_view text);

/// Remembers which events a consumer has decided about.
///
/// Writes inside the caller's transaction, so verdict and business effect commit together or not at
/// all. Holds no connection and no state of its own.
class Inbox {
 public:
  Inbox(std::string consumer, const Dialect& dialect);

  /// One event to be recorded. Views must live during the call.
  struct Claim {
    std::string_view event_id;
    std::string_view event_type;
    std::string_view topic;
    std::int32_t partition = 0;
    Offset offset = 0;
    Verdict verdict = Verdict::kApplied;
    Fingerprint fingerprint;
  };

  /// Records all `claims`, in one round trip, in order of their ids' bytes (two workers never
  /// deadlock on ids), and answers for each, in the given order, whether it was new. Of claims with
  /// one id only the first can be new. Waits while another open transaction holds one of the ids.
  std::vector<bool> claim(OpenTransaction& tx, std::span<const Claim> claims) const;

  /// What is recorded of an event.
  struct Entry {
    Verdict verdict = Verdict::kApplied;
    ByteVector fingerprint;
  };

  /// Entries of `event_ids` in the given order; nullopt where there is none.
  std::vector<std::optional<Entry>> find(OpenTransaction& tx,
                                         std::span<const std::string_view> event_ids) const;

  /// Another verdict for an event that has one.
  struct Change {
    std::string_view event_id;
    Verdict from = Verdict::kParked;
    Verdict to = Verdict::kApplied;
  };

  /// Gives events their new verdicts, in one round trip, and answers for each, in the given order,
  /// whether its verdict was `from`. An id stands in `changes` once.
  std::vector<bool> change(OpenTransaction& tx, std::span<const Change> changes) const;

  /// Lets an applied event run once more in replay generation `generation`; false if it did
  /// already.
  bool claim_generation(OpenTransaction& tx, std::string_view event_id,
                        std::int64_t generation) const;
  /// The same for many, in one round trip, in the given order. An id stands in `event_ids` once.
  std::vector<bool> claim_generation(OpenTransaction& tx,
                                     std::span<const std::string_view> event_ids,
                                     std::int64_t generation) const;

 private:
  std::string consumer_;
  BulkStatement claim_;
  BulkStatement find_;
  BulkStatement change_;
  BulkStatement claim_generation_;
};

}  // namespace kinbox
