#include "postgres/statement_cache.hpp"

namespace kinbox::postgres {

const std::string* StatementCache::find(std::string_view sql) {
  const auto found = by_sql_.find(sql);
  if (found == by_sql_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return &found->second->name;
}

void StatementCache::add(std::string_view sql, std::string name) {
  entries_.push_front({std::string(sql), std::move(name)});
  by_sql_.emplace(entries_.front().sql, entries_.begin());
}

void StatementCache::forget(std::string_view sql) {
  const auto found = by_sql_.find(sql);
  if (found == by_sql_.end()) return;
  const auto entry = found->second;
  by_sql_.erase(found);
  entries_.erase(entry);
}

std::optional<std::string> StatementCache::make_room() {
  if (entries_.size() < capacity_ || entries_.empty()) return std::nullopt;
  auto name = std::move(entries_.back().name);
  by_sql_.erase(entries_.back().sql);
  entries_.pop_back();
  return name;
}

}  // namespace kinbox::postgres
