#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "kinbox/dialect.hpp"
#include "kinbox/record.hpp"
#include "kinbox/transaction.hpp"

namespace kinbox {

/// The tables behind the relay: leases of lanes, and rows that wait. Writes inside the caller's
/// transaction.
class OutboxRows {
 public:
  /// `token` names this relay and is never used twice.
  OutboxRows(const Dialect& dialect, std::string token);

  struct Row {
    std::int64_t id = 0;
    /// Rows that have the same must not overtake each other.
    std::int64_t key_hash = 0;
    bool is_letter = false;
    /// Ready to be published.
    OwnedRecord record;
  };

  /// Takes or renews every lane that nobody else holds; returns how many.
  std::size_t lease(OpenTransaction& tx, std::chrono::milliseconds duration) const;
  void release(OpenTransaction& tx) const;

  /// What is not to be read now.
  struct Without {
    std::set<std::string> topics = {};
    std::vector<std::int64_t> keys = {};
  };
  /// The oldest waiting rows of our lanes, in order, but those behind an event of their key that
  /// was set aside. No cursor: rows that commit late are not skipped.
  std::vector<Row> pending(OpenTransaction& tx, std::size_t limit, const Without& without) const;
  std::size_t count_pending(OpenTransaction& tx, const std::string& topic) const;

  void mark_sent(OpenTransaction& tx, const std::vector<std::int64_t>& ids) const;
  void mark_failed(OpenTransaction& tx, std::int64_t id, std::string_view error) const;
  /// Sets the row aside: the broker will never take it.
  void mark_refused(OpenTransaction& tx, std::int64_t id, std::string_view error) const;

  /// Deletes rows that were sent longer than `retention` ago, `limit` at most; returns how many.
  std::size_t prune(OpenTransaction& tx, std::chrono::milliseconds retention,
                    std::size_t limit) const;

 private:
  Backend backend_;
  std::string token_;
  std::string lease_;
  std::string release_;
  std::string pending_;
  std::string count_;
  BulkStatement mark_sent_;
  std::string mark_failed_;
  std::string mark_refused_;
  std::string prune_;
};

}  // namespace kinbox
