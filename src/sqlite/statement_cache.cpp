#include "sqlite/statement_cache.hpp"

#include <algorithm>

namespace kinbox::sqlite {

StatementCache::StatementCache(std::size_t capacity)
    : capacity_(std::max<std::size_t>(capacity, 1)) {}

Statement& StatementCache::get(Connection& connection, std::string_view sql) {
  if (const auto found = by_text_.find(sql); found != by_text_.end()) {
    entries_.splice(entries_.begin(), entries_, found->second);
    return entries_.front().statement;
  }
  entries_.push_front({std::string(sql), Statement(connection, sql)});
  by_text_.emplace(entries_.front().sql, entries_.begin());
  if (entries_.size() > capacity_) {
    by_text_.erase(entries_.back().sql);
    entries_.pop_back();
  }
  return entries_.front().statement;
}

}  // namespace kinbox::sqlite
