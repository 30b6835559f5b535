#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "kinbox/database.hpp"

namespace kinbox::cli {

/// One look: all numbers are of one moment.
class Look {
 public:
  explicit Look(Database& database) : dialect_(database.dialect()), tx_(database.begin()) {}

  std::int64_t number(std::string_view sql) {
    // Sums are numeric on PostgreSQL, which arrives as text.
    return std::stoll(tx_->query(dialect_.render(sql))[0].get<std::string>(0));
  }

 private:
  Dialect dialect_;
  std::unique_ptr<OpenTransaction> tx_;
};

}  // namespace kinbox::cli
