#include "postgres/insert_sets.hpp"

#include <algorithm>
#include <utility>

#include "postgres/parameters.hpp"

namespace kinbox::postgres {
namespace {

// Fewer than a usual batch, so that the server has work while we have, too.
constexpr std::size_t kMaxRows = 250;
constexpr std::size_t kMaxBytes = 1 << 20;

}  // namespace

bool InsertSets::fits(const SetInsert& form, std::span<const SqlParam> params) {
  if (params.size() != form.is_bytea.size()) return false;
  for (std::size_t i = 0; i < params.size(); ++i)
    if (std::holds_alternative<Bytes>(params[i].value()) && !form.is_bytea[i]) return false;
  return true;
}

bool InsertSets::stands_behind_others(const SetInsert& form) const noexcept {
  const auto other = [&](const auto& waiting) {
    return waiting.form != &form && waiting.form->table == form.table;
  };
  return std::any_of(sets_.begin(), sets_.end(), other) ||
         std::any_of(held_.begin(), held_.end(), other);
}

void InsertSets::hold(const SetInsert& form, StatementNumber number,
                      std::span<const SqlParam> params) {
  Held row{&form, number, {}};
  row.elements.reserve(params.size());
  for (const auto& param : params) append_element(row.elements.emplace_back(), param);
  for (const auto& element : row.elements) bytes_ += element.size();
  ++rows_;
  held_.push_back(std::move(row));
}

void InsertSets::join() {
  for (const auto& row : held_) append(set_of(row), row);
  held_.clear();
}

bool InsertSets::full() const noexcept { return rows_ >= kMaxRows || bytes_ >= kMaxBytes; }

bool InsertSets::holds(StatementNumber number) const noexcept {
  return std::any_of(held_.begin(), held_.end(),
                     [&](const Held& row) { return row.number == number; });
}

std::vector<InsertSets::Set> InsertSets::take() {
  auto sets = std::exchange(sets_, {});
  for (const auto& row : held_) {
    Set alone;
    alone.form = row.form;
    append(alone, row);
    sets.push_back(std::move(alone));
  }
  held_.clear();
  rows_ = 0;
  bytes_ = 0;
  for (auto& set : sets)
    for (auto& array : set.arrays) array += '}';
  return sets;
}

InsertSets::Set& InsertSets::set_of(const Held& row) {
  const auto found = std::find_if(sets_.begin(), sets_.end(),
                                  [&](const Set& set) { return set.form == row.form; });
  if (found != sets_.end()) return *found;
  sets_.push_back({row.form, {}, 0, row.number});
  return sets_.back();
}

void InsertSets::append(Set& set, const Held& row) {
  if (set.rows == 0) {
    set.number = row.number;
    set.arrays.assign(row.elements.size(), "{");
  }
  for (std::size_t i = 0; i < row.elements.size(); ++i) {
    if (set.rows > 0) set.arrays[i] += ',';
    set.arrays[i] += row.elements[i];
  }
  ++set.rows;
}

}  // namespace kinbox::postgres
