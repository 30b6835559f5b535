#pragma once

#include <cstdint>
#include <string>

#include "kinbox/database.hpp"

namespace kinbox::bench {

/// A database for one run: a PostgreSQL schema or a SQLite file with kinbox's tables and the
/// business tables: `orders`, empty, and `accounts`, kHotRows of them. It goes with this object.
class Store {
 public:
  /// `location`: PostgreSQL URI (a superuser's, for CHECKPOINT), or the SQLite file, which must not
  /// exist.
  Store(Backend backend, std::string location);
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  ~Store();

  const std::string& schema() const { return schema_; }
  DatabaseFactory factory() const;

  struct Counts {
    std::int64_t orders = 0;
    /// Changes of all accounts.
    std::int64_t changes = 0;
    /// Events of the topic that wait in parked_events.
    std::int64_t parked = 0;
    std::int64_t inbox = 0;
    /// Sum of the positions' distances from where they began.
    std::int64_t passed = 0;
  };
  Counts counts() const;
  /// Forgets how far the consumer is and which group it was; what its inbox holds stays.
  void forget_positions() const;
  /// The last pass's dirty pages are not the next one's business.
  void settle() const;

 private:
  void run(const std::string& script) const;

  Backend backend_;
  std::string location_;
  std::string schema_;
};

/// Of the business table. A record that takes effect twice violates its key.
inline constexpr const char* kInsertOrder =
    "INSERT INTO {kinbox}.orders (event_id, order_id, buyer_id, amount) VALUES ($1, $2, $3, $4)";

inline constexpr const char* kAddToAccount =
    "UPDATE {kinbox}.accounts SET balance = balance + $1, changes = changes + 1 WHERE id = $2";

}  // namespace kinbox::bench
