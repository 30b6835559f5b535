#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/demo/evidence.hpp"
#include "kinbox/database.hpp"

namespace kinbox::cli {

/// The consumers of an order that come with kinbox, each named like its handler.
const std::vector<std::string>& service_names();

/// Where the services of one run read and write.
struct ServiceTopics {
  std::string orders;
  std::string statuses;
  std::string inventory;
  std::string payment;
};

/// Their part of `consumers:` in a configuration, groups named `group`-SERVICE.
std::string services_config(const ServiceTopics& topics, const std::string& group);

/// Plenty of every product but one, of which there are four pieces: three of twelve orders want
/// two.
void fill_stock(Database& database);

/// What became of orders 1 to `orders` of OrderEvents.
struct ServiceOrders {
  int orders = 0;
  /// How many of them were cancelled, and shipped.
  int cancelled = 0;
  int shipped = 0;
  /// On both topics, duplicates included.
  std::int64_t records = 0;

  /// Events that inventory and payment emit.
  std::int64_t emitted() const { return 2 * (std::int64_t{orders} + cancelled); }
};

/// How many records the services have decided, all together.
std::int64_t decided_by_services(Database& database);

/// Mails that are due and not sent.
std::int64_t mails_due(Database& database);

/// What the services promise, read back by SQL, and the files in the folder where mails go.
std::vector<Invariant> service_invariants(Database& database, const ServiceOrders& sent,
                                          const std::string& mail_folder);

}  // namespace kinbox::cli
