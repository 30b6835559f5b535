#pragma once

#include <string_view>

/// Why an event became a dead letter, or was skipped. Stable words: they stand in
/// `dead_letters.reason`, in the DLQ header `kinbox-reason` and in operators' scripts. Reasons are
/// open text in the database; these are the ones kinbox gives.
namespace kinbox::reason {

inline constexpr std::string_view kUndecodable = "undecodable";
inline constexpr std::string_view kMissingEventId = "missing_event_id";
inline constexpr std::string_view kInvalidEventId = "invalid_event_id";
inline constexpr std::string_view kIdConflict = "id_conflict";
inline constexpr std::string_view kUnknownType = "unknown_type";
inline constexpr std::string_view kOlderThan = "older_than";
inline constexpr std::string_view kTooLarge = "too_large";
inline constexpr std::string_view kHandlerRejected = "handler_rejected";
inline constexpr std::string_view kRetriesExhausted = "retries_exhausted";
inline constexpr std::string_view kKillsTransaction = "kills_transaction";
inline constexpr std::string_view kImported = "imported";
inline constexpr std::string_view kTimeout = "timeout";
inline constexpr std::string_view kCrashed = "crashed";
inline constexpr std::string_view kBehindParked = "behind_parked";
inline constexpr std::string_view kParkedFull = "parked_full";
inline constexpr std::string_view kFailedOver = "failed_over";

}  // namespace kinbox::reason
