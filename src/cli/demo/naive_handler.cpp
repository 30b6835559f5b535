#include "cli/demo/naive_handler.hpp"

#include "handlers/handlers.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/json.hpp"

namespace kinbox::cli {
namespace {

// Both databases take it.
constexpr const char* kTables = R"(
CREATE TABLE {kinbox}.demo_buyers (id TEXT NOT NULL PRIMARY KEY, email TEXT NOT NULL);
CREATE TABLE {kinbox}.demo_orders (order_id TEXT NOT NULL, total TEXT NOT NULL);
CREATE TABLE {kinbox}.demo_confirmations (order_id TEXT NOT NULL, recipient TEXT NOT NULL,
  place BIGINT NOT NULL);)";

class NaiveHandler : public Handler {
 public:
  explicit NaiveHandler(const Dialect& dialect)
      : find_buyer_(dialect.render("SELECT email FROM {kinbox}.demo_buyers WHERE id = $1")),
        insert_order_(dialect.render("INSERT INTO {kinbox}.demo_orders VALUES ($1, $2)")),
        insert_mail_(dialect.render("INSERT INTO {kinbox}.demo_confirmations "
                                    "SELECT $1, $2, count(*) FROM {kinbox}.demo_confirmations")) {}

  void handle(const Event& event, Transaction& tx) override {
    const JsonPayload order(event);
    const auto buyer = tx.query(find_buyer_, order.text("/buyerId"));
    if (buyer.empty()) throw std::runtime_error("this order's buyer is not known");
    const auto address = buyer[0].get<std::string>("email");
    if (address.empty()) throw RetryableError("this buyer's address is not confirmed yet");
    tx.execute(insert_order_, order.text("/orderId"), order.decimal("/totalAmount"));
    tx.execute(insert_mail_, order.text("/orderId"), address);
  }

 private:
  std::string find_buyer_;
  std::string insert_order_;
  std::string insert_mail_;
};

}  // namespace

HandlerSpec naive_handler() {
  HandlerSpec spec;
  spec.name = "demo_confirmation";
  spec.event_types = {"ORDER_CREATED"};
  spec.make = [](const HandlerContext& context) {
    return std::make_unique<NaiveHandler>(context.dialect);
  };
  for (const auto backend : {Backend::kSqlite, Backend::kPostgres})
    spec.migrations.push_back({backend, 1, "0001_demo.sql", kTables, 1});
  return spec;
}

std::vector<HandlerSpec> demo_handlers() {
  auto handlers = shipped_handlers();
  handlers.push_back(naive_handler());
  return handlers;
}

}  // namespace kinbox::cli
