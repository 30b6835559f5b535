#include "cli/demo/services.hpp"

#include <filesystem>

#include "cli/demo/look.hpp"
#include "cli/demo/order_events.hpp"

namespace kinbox::cli {
namespace {

constexpr int kProducts = 5;
constexpr int kScarceProduct = 1;
constexpr std::int64_t kScarce = 4;
constexpr std::int64_t kPlenty = 100;

constexpr std::string_view kInsertStock =
    "INSERT INTO {kinbox}.inventory_stock (product_id, available) VALUES ($1, $2)";

constexpr std::string_view kDecided =
    "SELECT coalesce(sum(next_offset - first_offset), 0) FROM {kinbox}.consumer_progress "
    "WHERE consumer <> 'confirmations'";
constexpr std::string_view kDead =
    "SELECT count(*) FROM {kinbox}.dead_letters WHERE consumer <> 'confirmations'";
constexpr std::string_view kMailsSent =
    "SELECT count(*) FROM {kinbox}.email_outbox WHERE state = 'sent'";
constexpr std::string_view kMailsDue =
    "SELECT count(*) FROM {kinbox}.email_outbox WHERE state <> 'sent'";
constexpr std::string_view kRejected =
    "SELECT count(*) FROM {kinbox}.inventory_orders WHERE state = 'rejected'";
constexpr std::string_view kReleased =
    "SELECT count(*) FROM {kinbox}.inventory_orders WHERE state = 'released'";
constexpr std::string_view kPieces =
    "SELECT sum(available + reserved) FROM {kinbox}.inventory_stock";
constexpr std::string_view kReserved = "SELECT sum(reserved) FROM {kinbox}.inventory_stock";
constexpr std::string_view kCaptures =
    "SELECT count(*) FROM {kinbox}.payment_ledger WHERE kind = 'capture'";
constexpr std::string_view kRefunds =
    "SELECT count(*) FROM {kinbox}.payment_ledger WHERE kind = 'refund'";
constexpr std::string_view kMoney = "SELECT sum(balance) FROM {kinbox}.payment_accounts";
constexpr std::string_view kNotifications = "SELECT count(*) FROM {kinbox}.notifications";
constexpr std::string_view kCounted = "SELECT sum(orders) FROM {kinbox}.analytics_seller_days";
constexpr std::string_view kRevenue =
    "SELECT sum(revenue_cents) FROM {kinbox}.analytics_seller_days";
constexpr std::string_view kEmitted =
    "SELECT count(*) FROM {kinbox}.outbox WHERE state = 'sent' "
    "AND (event_type LIKE 'inventory.%' OR event_type LIKE 'payment.%')";

/// What orders 1 to `orders` cost, in cents: ten times their number, and a half.
std::int64_t revenue(std::int64_t orders) { return (10 * orders * (orders + 1) + orders) * 50; }

/// A mail that is delivered again replaces its file.
std::int64_t mails_in(const std::string& folder) {
  std::int64_t count = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder))
    count += file.path().extension() == ".eml" ? 1 : 0;
  return count;
}

}  // namespace

const std::vector<std::string>& service_names() {
  static const std::vector<std::string> names{"email_confirmation", "inventory", "payment",
                                              "notification", "analytics"};
  return names;
}

std::string services_config(const ServiceTopics& topics, const std::string& group) {
  const auto handler = [&](const std::string& name) {
    const auto writes_to = [&](const std::string& topic) {
      return "[{name: " + name + ", settings: {topic: " + topic + "}}]";
    };
    if (name == "inventory") return writes_to(topics.inventory);
    if (name == "payment") return writes_to(topics.payment);
    return '[' + name + ']';
  };
  std::string text;
  for (const auto& name : service_names())
    text += "  - name: " + name + "\n    group: " + group + '-' + name + "\n    topics: [" +
            topics.orders + ", " + topics.statuses + "]\n    handlers: " + handler(name) +
            "\n    unknown_types: skip\n    dlq_topic: none\n"
            "    on_error: {retry: {max_attempts: 100, first_delay: 50ms, max_delay: 1s}}\n";
  return text;
}

void fill_stock(Database& database) {
  const auto tx = database.begin();
  for (int product = 0; product < kProducts; ++product)
    tx->execute(database.dialect().render(kInsertStock), OrderEvents::product(product),
                product == kScarceProduct ? kScarce : kPlenty);
  tx->commit();
}

std::int64_t decided_by_services(Database& database) { return Look(database).number(kDecided); }

std::int64_t mails_due(Database& database) { return Look(database).number(kMailsDue); }

std::vector<Invariant> service_invariants(Database& database, const ServiceOrders& sent,
                                          const std::string& mail_folder) {
  Look look(database);
  const std::int64_t rejected = 1;
  const auto services = static_cast<std::int64_t>(service_names().size());
  const auto told = std::int64_t{sent.orders} + sent.cancelled + sent.shipped;
  return {{"services: records decided", services * sent.records, look.number(kDecided)},
          {"services: dead letters", 0, look.number(kDead)},
          {"mail: sent, for orders and what was shipped", sent.orders + sent.shipped,
           look.number(kMailsSent)},
          {"mail: files in the folder", sent.orders + sent.shipped, mails_in(mail_folder)},
          {"stock: orders rejected, for want of it", rejected, look.number(kRejected)},
          {"stock: orders released, being cancelled", sent.cancelled, look.number(kReleased)},
          {"stock: pieces, free and reserved", kScarce + (kProducts - 1) * kPlenty,
           look.number(kPieces)},
          {"stock: pieces reserved", 2 * (sent.orders - rejected - sent.cancelled),
           look.number(kReserved)},
          {"money: orders paid", sent.orders, look.number(kCaptures)},
          {"money: orders paid back", sent.cancelled, look.number(kRefunds)},
          {"money: all balances together", 0, look.number(kMoney)},
          {"notifications, to buyer and seller", 2 * told, look.number(kNotifications)},
          {"figures: orders counted", sent.orders, look.number(kCounted)},
          {"figures: revenue in cents", revenue(sent.orders), look.number(kRevenue)},
          {"events emitted, acknowledged by Kafka", sent.emitted(), look.number(kEmitted)}};
}

}  // namespace kinbox::cli
