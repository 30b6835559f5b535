#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "kinbox/database.hpp"
#include "kinbox/record.hpp"

namespace kinbox::testing {

/// Orders of a marketplace, always the same, and what the shipped handlers must have made of them,
/// by SQL. A fifth of them is cancelled, the others are shipped.
class Shop {
 public:
  static constexpr int kProducts = 5;

  struct Line {
    std::string product;
    std::string seller;
    std::int64_t quantity = 0;
    std::int64_t cents = 0;
  };
  struct Order {
    std::string id;
    std::string buyer;
    std::vector<Line> lines;
    bool cancelled = false;
    Timestamp time;
  };

  /// `received`: pieces of each product.
  Shop(int orders, std::int64_t received);

  const std::vector<Order>& orders() const { return orders_; }

  /// What the handlers' tables need before the first event.
  void open(Database& database) const;

  /// ORDER_CREATED; the orders name their products now in this, now in that order.
  OwnedRecord created(const Order& order) const;
  /// ORDER_SHIPPED or ORDER_CANCELLED.
  OwnedRecord ended(const Order& order) const;

  /// Whatever ended unlike it should; empty if all is well.
  std::string complaints_about(const std::string& handler, Database& database) const;

 private:
  class Book;
  void look_at_inventory(Book& book) const;
  void look_at_payment(Book& book) const;
  void look_at_notification(Book& book) const;
  void look_at_analytics(Book& book) const;
  std::int64_t cancelled() const;

  std::vector<Order> orders_;
  std::int64_t received_;
};

}  // namespace kinbox::testing
