#include "support/shop.hpp"

#include <algorithm>
#include <set>

#include "handlers/analytics/utc_day.hpp"
#include "handlers/orders/amounts.hpp"

namespace kinbox::testing {
namespace {

/// Noon of yesterday or today, so that there are two days and no broker deletes them.
Timestamp noon(int n) {
  const auto today = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
  return today - std::chrono::hours(n % 2 == 0 ? 12 : 36);
}

std::vector<Shop::Line> lines_of(int n) {
  std::vector<Shop::Line> lines;
  for (int k = 0; k <= n % 3; ++k) {
    const int product = (n / 3 + 2 * k) % Shop::kProducts;
    lines.push_back({.product = "p-" + std::to_string(product),
                     .seller = "s-" + std::to_string(product % 3),
                     .quantity = 1 + (n + k) % 3,
                     .cents = 99 + 101 * product});
  }
  if (n % 2 == 0) std::reverse(lines.begin(), lines.end());
  return lines;
}

std::set<std::string> sellers_of(const Shop::Order& order) {
  std::set<std::string> sellers;
  for (const auto& line : order.lines) sellers.insert(line.seller);
  return sellers;
}

std::int64_t total_of(const Shop::Order& order) {
  std::int64_t total = 0;
  for (const auto& line : order.lines) total += line.quantity * line.cents;
  return total;
}

std::string items_json(const Shop::Order& order) {
  std::string items;
  for (const auto& line : order.lines)
    items += (items.empty() ? R"({"productId":")" : R"(,{"productId":")") + line.product +
             R"(","sellerId":")" + line.seller + R"(","quantity":)" +
             std::to_string(line.quantity) + R"(,"unitPrice":")" + handlers::amount_of(line.cents) +
             "\"}";
  return items;
}

OwnedRecord event(const Shop::Order& order, const std::string& type, const std::string& rest) {
  std::string sellers;
  for (const auto& seller : sellers_of(order))
    sellers += (sellers.empty() ? "\"" : ",\"") + seller + '"';
  OwnedRecord record;
  record.timestamp = order.time;
  record.key = order.id;
  record.value = R"({"eventId":")" + type + '-' + order.id + R"(","eventType":")" + type +
                 R"(","orderId":")" + order.id + R"(","orderNumber":"N)" + order.id +
                 R"(","buyerId":")" + order.buyer + R"(","buyerEmail":")" + order.buyer +
                 R"(@shop.example","sellerIds":[)" + sellers + "]" + rest + "}";
  return record;
}

}  // namespace

/// Asks the database, and notes what is not as it should be.
class Shop::Book {
 public:
  explicit Book(Database& database) : dialect_(database.dialect()), tx_(database.begin()) {}

  std::vector<std::string> lines(std::string_view sql) {
    const auto rows = tx_->query(dialect_.render(sql));
    std::vector<std::string> lines;
    for (const auto row : rows) {
      std::string line;
      for (std::size_t i = 0; i < rows.columns().size(); ++i)
        line += (i == 0 ? "" : "|") + row.get<std::string>(i);
      lines.push_back(std::move(line));
    }
    return lines;
  }

  std::int64_t number(std::string_view sql) { return std::stoll(lines(sql).at(0)); }

  void expect(const std::string& what, std::string_view sql, std::int64_t expected) {
    const auto found = number(sql);
    if (found != expected)
      complaints_ +=
          what + ": " + std::to_string(found) + " instead of " + std::to_string(expected) + "\n";
  }

  void expect_lines(const std::string& what, std::string_view sql,
                    const std::vector<std::string>& expected) {
    const auto found = lines(sql);
    if (found == expected) return;
    complaints_ += what + ":";
    for (const auto& line : found) complaints_ += ' ' + line;
    complaints_ += "\n  instead of";
    for (const auto& line : expected) complaints_ += ' ' + line;
    complaints_ += "\n";
  }

  void expect_emitted(const std::string& type, std::int64_t expected) {
    expect(type, "SELECT count(*) FROM {kinbox}.outbox WHERE event_type = '" + type + "'",
           expected);
  }

  const std::string& complaints() const { return complaints_; }

 private:
  Dialect dialect_;
  std::unique_ptr<OpenTransaction> tx_;
  std::string complaints_;
};

Shop::Shop(int orders, std::int64_t received) : received_(received) {
  for (int n = 0; n < orders; ++n)
    orders_.push_back({.id = "o-" + std::to_string(n),
                       .buyer = "b-" + std::to_string(n % 7),
                       .lines = lines_of(n),
                       .cancelled = n % 5 == 0,
                       .time = noon(n)});
}

void Shop::open(Database& database) const {
  const auto tx = database.begin();
  for (int product = 0; product < kProducts; ++product)
    tx->execute(database.dialect().render(
                    "INSERT INTO {kinbox}.inventory_stock (product_id, available) VALUES ($1, $2)"),
                "p-" + std::to_string(product), received_);
  tx->commit();
}

OwnedRecord Shop::created(const Order& order) const {
  return event(order, "ORDER_CREATED",
               R"(,"totalAmount":)" + handlers::amount_of(total_of(order)) + R"(,"items":[)" +
                   items_json(order) + "]");
}

OwnedRecord Shop::ended(const Order& order) const {
  return event(order, order.cancelled ? "ORDER_CANCELLED" : "ORDER_SHIPPED",
               order.cancelled ? R"(,"status":"CANCELLED","previousStatus":"CREATED")"
                               : R"(,"status":"SHIPPED","previousStatus":"PAID")");
}

std::int64_t Shop::cancelled() const {
  return std::count_if(orders_.begin(), orders_.end(),
                       [](const auto& order) { return order.cancelled; });
}

std::string Shop::complaints_about(const std::string& handler, Database& database) const {
  Book book(database);
  book.expect("dead letters of " + handler,
              "SELECT count(*) FROM {kinbox}.dead_letters WHERE consumer = '" + handler + "'", 0);
  if (handler == "inventory") look_at_inventory(book);
  if (handler == "payment") look_at_payment(book);
  if (handler == "notification") look_at_notification(book);
  if (handler == "analytics") look_at_analytics(book);
  return book.complaints();
}

void Shop::look_at_inventory(Book& book) const {
  const auto in_state = [&](const std::string& state) {
    return book.number("SELECT count(*) FROM {kinbox}.inventory_orders WHERE state = '" + state +
                       "'");
  };
  const auto rejected = in_state("rejected");
  const auto released = in_state("released");
  const auto count = static_cast<std::int64_t>(orders_.size());
  book.expect("orders with an answer", "SELECT count(*) FROM {kinbox}.inventory_orders", count);
  book.expect("pieces, free or reserved",
              "SELECT sum(available + reserved) FROM {kinbox}.inventory_stock",
              kProducts * received_);
  book.expect("products whose reservations do not add up",
              "SELECT count(*) FROM {kinbox}.inventory_stock s WHERE reserved <> "
              "(SELECT coalesce(sum(quantity), 0) FROM {kinbox}.inventory_reservations r "
              "WHERE r.product_id = s.product_id)",
              0);
  book.expect("orders with reservations that should have none, or the other way round",
              "SELECT count(*) FROM {kinbox}.inventory_orders o WHERE (state = 'reserved') <> "
              "EXISTS (SELECT 1 FROM {kinbox}.inventory_reservations r "
              "WHERE r.order_id = o.order_id)",
              0);
  std::string cancelled_ids;
  for (const auto& order : orders_)
    if (order.cancelled) cancelled_ids += (cancelled_ids.empty() ? "'" : ",'") + order.id + '\'';
  book.expect("cancelled orders that are still reserved, or released ones that were not cancelled",
              "SELECT count(*) FROM {kinbox}.inventory_orders WHERE state <> 'rejected' AND "
              "(state = 'released') <> (order_id IN (" +
                  cancelled_ids + "))",
              0);
  book.expect_emitted("inventory.reserved", count - rejected);
  book.expect_emitted("inventory.reservation.rejected", rejected);
  book.expect_emitted("inventory.released", released);
}

void Shop::look_at_payment(Book& book) const {
  std::map<std::string, std::int64_t> balances;
  for (const auto& order : orders_) {
    const auto paid = order.cancelled ? 0 : total_of(order);
    balances["buyer:" + order.buyer] -= paid;
    balances["marketplace"] += paid;
  }
  std::vector<std::string> expected;
  for (const auto& [account, balance] : balances)
    expected.push_back(account + '|' + std::to_string(balance));
  book.expect_lines("balances",
                    "SELECT account, balance FROM {kinbox}.payment_accounts ORDER BY account",
                    expected);
  const auto count = static_cast<std::int64_t>(orders_.size());
  const std::string entries = "SELECT count(*) FROM {kinbox}.payment_ledger WHERE kind = ";
  book.expect("captures", entries + "'capture'", count);
  book.expect("refunds", entries + "'refund'", cancelled());
  book.expect("the balances together", "SELECT sum(balance) FROM {kinbox}.payment_accounts", 0);
  book.expect("accounts that disagree with the ledger",
              "SELECT count(*) FROM {kinbox}.payment_accounts a WHERE balance <> "
              "(SELECT coalesce(sum(CASE WHEN credit = a.account THEN cents ELSE -cents END), 0) "
              "FROM {kinbox}.payment_ledger WHERE a.account IN (debit, credit))",
              0);
  book.expect_emitted("payment.completed", count);
  book.expect_emitted("payment.refunded", cancelled());
}

void Shop::look_at_notification(Book& book) const {
  std::int64_t recipients = 0;
  for (const auto& order : orders_)
    recipients += 1 + static_cast<std::int64_t>(sellers_of(order).size());
  book.expect("notifications", "SELECT count(*) FROM {kinbox}.notifications", 2 * recipients);
  book.expect("... of kind created",
              "SELECT count(*) FROM {kinbox}.notifications WHERE kind = 'created'", recipients);
  book.expect("... cancelled, to buyers",
              "SELECT count(*) FROM {kinbox}.notifications "
              "WHERE kind = 'cancelled' AND role = 'buyer'",
              cancelled());
}

void Shop::look_at_analytics(Book& book) const {
  struct Sold {
    std::int64_t orders = 0, units = 0, cents = 0, cancelled = 0;
  };
  std::map<std::string, Sold> sold;
  for (const auto& order : orders_) {
    const auto day = handlers::utc_day(Record(created(order)));
    for (const auto& seller : sellers_of(order)) {
      auto& counters = sold[seller + '|' + day];
      ++counters.orders;
      counters.cancelled += order.cancelled ? 1 : 0;
    }
    for (const auto& line : order.lines) {
      auto& counters = sold[line.seller + '|' + day];
      counters.units += line.quantity;
      counters.cents += line.quantity * line.cents;
    }
  }
  std::vector<std::string> expected;
  for (const auto& [where, counters] : sold)
    expected.push_back(where + '|' + std::to_string(counters.orders) + '|' +
                       std::to_string(counters.units) + '|' + std::to_string(counters.cents) + '|' +
                       std::to_string(counters.cancelled));
  book.expect_lines("what sellers sold",
                    "SELECT seller_id, CAST(day AS text), orders, units, revenue_cents, "
                    "cancelled_orders FROM {kinbox}.analytics_seller_days ORDER BY 1, 2",
                    expected);
}

}  // namespace kinbox::testing
