#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kinbox/record.hpp"
#include "kinbox/sql_value.hpp"

namespace kinbox::cli {

/// Which failing events a command is about: dead letters, or parked events, whose columns are the
/// same. What is not given does not restrict.
struct LetterSelection {
  std::vector<std::int64_t> ids = {};
  std::optional<std::string> consumer = {};
  /// Of `dead_letters.error_group`.
  std::optional<std::string> group = {};
  std::optional<std::string> reason = {};
  std::optional<std::string> handler = {};
  /// An error's type or its code.
  std::optional<std::string> error_class = {};
  std::optional<std::string> topic = {};
  std::optional<std::int32_t> partition = {};
  /// Bytes.
  std::optional<std::string> key = {};
  std::optional<std::string> event_id = {};
  std::optional<std::string> event_type = {};
  /// When it died, or was parked: from `since` on, before `until`.
  std::optional<Timestamp> since = {};
  std::optional<Timestamp> until = {};
  /// Of letters only. Empty: any.
  std::vector<std::string> states = {};

  bool operator==(const LetterSelection&) const = default;

  /// Whether anything but the states is given.
  bool restricts() const;
  bool by_ids() const { return !ids.empty(); }
  /// Whether anything but ids and states is given.
  bool by_filters() const;
  /// Whether it asks for what only the letter itself has, and not its row in `letter_states`.
  bool asks_letter() const;
  /// Whether letters in `state` may be among it.
  bool takes(std::string_view state) const;
};

/// The same as the options that select it, to be typed again: "--consumer orders --state open".
std::string as_options(const LetterSelection& selection);

/// SQL, whole or in part, with the arguments that its parameters name. Placeholders of the dialect
/// are yet to be rendered.
struct BoundSql {
  std::string text;
  std::vector<SqlValue> arguments;

  /// Point into `arguments`.
  std::vector<SqlParam> params() const;
};

/// What follows WHERE, on the columns of `dead_letters`; its parameters begin with `$first`.
BoundSql letters_where(const LetterSelection& selection, std::size_t first = 1);
/// The smallest relation that has all of the selection, with the columns of `dead_letters`.
std::string_view letters_from(const LetterSelection& selection);
/// The same on the columns of `parked_events`; the states are left out.
BoundSql parked_where(const LetterSelection& selection, std::size_t first = 1);

}  // namespace kinbox::cli
