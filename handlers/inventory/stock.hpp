#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "kinbox/dialect.hpp"
#include "kinbox/transaction.hpp"

namespace kinbox::handlers {

/// How many of each product, in the order of the products' bytes: the order in which every
/// transaction locks the rows of one order.
using Quantities = std::map<std::string, std::int64_t>;

/// The rows of `inventory_stock`: what is free and what is set aside of each product.
class Stock {
 public:
  explicit Stock(const Dialect& dialect);

  /// Sets aside all of `wanted` or, where there is too little of something, nothing. Returns what
  /// there is too little of.
  Quantities reserve(Transaction& tx, const Quantities& wanted) const;

  /// Gives back what was set aside.
  void release(Transaction& tx, const Quantities& reserved) const;

  /// There is more; also of products that nobody heard of.
  void receive(Transaction& tx, const std::string& product, std::int64_t quantity) const;

 private:
  std::string reserve_;
  std::string release_;
  std::string receive_;
};

}  // namespace kinbox::handlers
