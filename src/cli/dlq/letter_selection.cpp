#include "cli/dlq/letter_selection.hpp"

#include <algorithm>
#include <string_view>
#include <type_traits>
#include <utility>

#include "cli/output/readable.hpp"
#include "cli/output/shell_words.hpp"
#include "core/iso_time.hpp"

namespace kinbox::cli {
namespace {

/// Every filter with its option and its column, in one order for texts and statements. An error
/// class is a matter of two columns.
template <typename Visit>
void each_text(const LetterSelection& s, const Visit& visit) {
  visit("--consumer", "consumer", s.consumer);
  visit("--group", "error_group", s.group);
  visit("--reason", "reason", s.reason);
  visit("--handler", "handler", s.handler);
  visit("--error-class", "", s.error_class);
  visit("--topic", "topic", s.topic);
  visit("--event-id", "event_id", s.event_id);
  visit("--type", "event_type", s.event_type);
}

class Where {
 public:
  explicit Where(std::size_t first) : next_(first) {}

  void equals(std::string_view column, SqlValue value) {
    all_of(std::string(column) + " = " + parameter(std::move(value)));
  }
  void compares(std::string_view column, std::string_view how, Timestamp moment) {
    all_of(std::string(column).append(how) + parameter(iso_text(moment)));
  }
  void error_class(std::string name) {
    const auto wanted = parameter(std::move(name));
    all_of("(error_type = " + wanted + " OR error_code = " + wanted + ")");
  }
  void state_in(const std::vector<std::string>& states) {
    std::string list;
    for (const auto& state : states) list += (list.empty() ? "" : ", ") + parameter(state);
    all_of("state IN (" + list + ")");
  }
  /// Numbers are no danger in a text, and however many there are, they need no parameters.
  void id_in(const std::vector<std::int64_t>& ids) {
    std::string list;
    for (const auto id : ids) list += (list.empty() ? "" : ", ") + std::to_string(id);
    all_of("id IN (" + list + ")");
  }

  BoundSql finished() && {
    if (condition_.text.empty()) condition_.text = "1 = 1";
    return std::move(condition_);
  }

 private:
  void all_of(const std::string& text) {
    condition_.text += (condition_.text.empty() ? "" : " AND ") + text;
  }
  std::string parameter(SqlValue value) {
    condition_.arguments.push_back(std::move(value));
    return '$' + std::to_string(next_++);
  }

  BoundSql condition_;
  std::size_t next_;
};

ByteVector bytes_of(const std::string& text) {
  const auto bytes = as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

Where common_where(const LetterSelection& s, std::size_t first, std::string_view moment) {
  Where where(first);
  if (!s.ids.empty()) where.id_in(s.ids);
  each_text(s, [&](std::string_view, std::string_view column, const auto& value) {
    if (!value) return;
    if (column.empty())
      where.error_class(*value);
    else
      where.equals(column, *value);
  });
  if (s.partition) where.equals("partition", std::int64_t{*s.partition});
  if (s.key) where.equals("key", bytes_of(*s.key));
  if (s.since) where.compares(moment, " >= ", *s.since);
  if (s.until) where.compares(moment, " < ", *s.until);
  return where;
}

}  // namespace

bool LetterSelection::restricts() const {
  LetterSelection any;
  any.states = states;
  return *this != any;
}

bool LetterSelection::by_filters() const {
  auto filters = *this;
  filters.ids.clear();
  return filters.restricts();
}

bool LetterSelection::asks_letter() const {
  return reason || handler || error_class || event_id || event_type || key;
}

bool LetterSelection::takes(std::string_view state) const {
  return states.empty() || std::find(states.begin(), states.end(), state) != states.end();
}

std::string as_options(const LetterSelection& s) {
  ShellWords words;
  for (const auto id : s.ids) words.word(std::to_string(id));
  each_text(s, [&](std::string_view name, std::string_view, const auto& value) {
    if (value) words.option(name, *value);
  });
  if (s.partition) words.option("--partition", std::to_string(*s.partition));
  if (s.key) words.option("--key", readable(*s.key));
  if (s.since) words.option("--since", iso_text(*s.since));
  if (s.until) words.option("--until", iso_text(*s.until));
  for (const auto& state : s.states) words.option("--state", state);
  return words.text();
}

std::vector<SqlParam> BoundSql::params() const {
  std::vector<SqlParam> params;
  params.reserve(arguments.size());
  for (const auto& argument : arguments)
    params.push_back(std::visit(
        [](const auto& value) -> SqlParam {
          if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::monostate>)
            return nullptr;
          else
            return value;
        },
        argument));
  return params;
}

BoundSql letters_where(const LetterSelection& selection, std::size_t first) {
  auto where = common_where(selection, first, "dead_at");
  if (!selection.states.empty()) where.state_in(selection.states);
  return std::move(where).finished();
}

std::string_view letters_from(const LetterSelection& selection) {
  return selection.takes("resolved") ? "{kinbox}.dead_letters" : "{kinbox}.unresolved_letters";
}

BoundSql parked_where(const LetterSelection& selection, std::size_t first) {
  return common_where(selection, first, "parked_at").finished();
}

}  // namespace kinbox::cli
