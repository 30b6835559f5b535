#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/audit.hpp"
#include "kinbox/database.hpp"

namespace kinbox::cli {

/// The value that a dead letter is tried with, and what stands beside it.
struct LetterValue {
  /// As it was consumed; nullopt: null.
  std::optional<std::string> original;
  /// As somebody changed it.
  std::optional<std::string> edited;
  bool has_event_id = false;
  std::string consumer;

  /// What is tried.
  const std::optional<std::string>& current() const noexcept { return edited ? edited : original; }
};

/// The letter must be there.
LetterValue read_value(Database& database, std::int64_t id);

/// Puts `value` beside the original one, or takes what was there away if it is that; writes both
/// fingerprints into the letter's history. Throws LettersMoved if the letter is not open any more,
/// or its value not the one that was `read`.
void store_edited(Database& database, std::int64_t id, const LetterValue& read,
                  const std::string& value, Audit::Action action);

}  // namespace kinbox::cli
