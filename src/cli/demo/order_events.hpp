#pragma once

#include <cstdint>
#include <string>

#include "kinbox/record.hpp"

namespace kinbox::cli {

/// Records as a shop's outbox would publish them, for `demo` and `demo produce`.
class OrderEvents {
 public:
  /// `run` makes the ids unlike those of other runs.
  OrderEvents(std::string topic, std::string run);

  /// ORDER_CREATED number `number`; the same number is the same event, byte for byte.
  OwnedRecord order(int number) const;
  /// The same for a buyer that nobody knows.
  OwnedRecord order_of_stranger(int number) const;
  std::string stranger() const { return "stranger-" + run_; }
  /// The same for one customer, whose orders have one key.
  OwnedRecord order_of_guest(int number) const;
  std::string guest() const { return "guest-" + run_; }
  /// What became of order `number`: ORDER_CANCELLED, say, for another topic.
  OwnedRecord status(int number, const std::string& topic, const std::string& event_type) const;
  /// Bytes that are no JSON: a producer's accident.
  OwnedRecord broken(int number) const;

  /// The buyer of order `number`, and where its mail goes.
  static std::string buyer(int number);
  static std::string address(int number);
  /// Who sells it, and what: two pieces of one product.
  static std::string seller(int number);
  static std::string product(int number);

 private:
  OwnedRecord record(int number, std::string value) const;
  std::string order_id(int number) const;
  std::string payload(int number, const std::string& buyer, const std::string& address) const;

  std::string topic_;
  std::string run_;
};

/// Eight hexadecimal digits, different each time.
std::string random_run();

}  // namespace kinbox::cli
