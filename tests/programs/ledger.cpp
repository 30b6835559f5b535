// kinbox with two handlers whose state SQL can compare with what it should be:
//   ledger   per account its total, its last entry and a digest of the order of all its entries;
//   may
//            be run again, in order. Setting: table
//   counter  a row per entry, which running it again overwrites; entries commute
// LEDGER_BUG=1 in the environment: the program before the fix. Every amount is one too high, every
// fiftieth event cannot be handled.
//
// Payloads: {"eventId": ..., "eventType": "Entry", "account": "a3", "amount": 7, "n": 41}
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "kinbox/cli/main.hpp"
#include "kinbox/email_outbox.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/outbox.hpp"

namespace {

using kinbox::Event;
using kinbox::HandlerContext;
using kinbox::HandlerSpec;
using kinbox::Transaction;

bool has_bug() {
  const auto* const value = std::getenv("LEDGER_BUG");
  return value != nullptr && std::string(value) == "1";
}

struct Entry {
  std::string account;
  std::int64_t amount = 0;
  std::int64_t n = 0;
};

Entry entry_of(const Event& event) {
  const auto json = nlohmann::json::parse(kinbox::as_text(*event.payload()));
  return {json.at("account").get<std::string>(), json.at("amount").get<std::int64_t>(),
          json.at("n").get<std::int64_t>()};
}

class Ledger : public kinbox::Handler {
 public:
  explicit Ledger(const HandlerContext& context)
      : table_(context.settings.contains("table") ? context.settings.at("table") : "ledger"),
        write_(context.dialect.render(
            "INSERT INTO {kinbox}." + table_ +
            " AS l (account, total, last, digest) VALUES ($1, $2, $3, $3) "
            "ON CONFLICT (account) DO UPDATE SET total = l.total + $2, last = $3, "
            "digest = (l.digest * 31 + $3) % 1000000007")),
        empty_(context.dialect.render("DELETE FROM {kinbox}." + table_)),
        outbox_(context.dialect, context.outbox),
        mail_(context.dialect, "example.org") {}

  void handle(const Event& event, Transaction& tx) override {
    const auto entry = entry_of(event);
    if (has_bug() && entry.n % 50 == 7) throw kinbox::PermanentError("a bug", "ledger_bug");
    tx.execute(write_, entry.account, entry.amount + (has_bug() ? 1 : 0), entry.n);
    if (entry.n % 100 == 0)
      mail_.enqueue(tx, {.type = "statement",
                         .order_id = event.id(),
                         .recipient = "a@example.org",
                         .payload = "{}"});
    if (entry.n % 10 == 0)
      outbox_.emit(tx, {.topic = "ledger.entries", .key = entry.account, .type = "entered"});
  }

  /// Every range of these tests begins at the beginning.
  void prepare_reprocess(const kinbox::ReplayRange&, Transaction& tx) override {
    tx.execute(empty_);
  }

 private:
  std::string table_;
  std::string write_;
  std::string empty_;
  kinbox::Outbox outbox_;
  kinbox::EmailOutbox mail_;
};

class Counter : public kinbox::Handler {
 public:
  explicit Counter(const HandlerContext& context)
      : write_(context.dialect.render("INSERT INTO {kinbox}.counter (n, amount) VALUES ($1, $2) "
                                      "ON CONFLICT (n) DO UPDATE SET amount = excluded.amount")) {}

  void handle(const Event& event, Transaction& tx) override {
    const auto entry = entry_of(event);
    tx.execute(write_, entry.n, entry.amount + (has_bug() ? 1 : 0));
  }

 private:
  std::string write_;
};

template <typename Made>
HandlerSpec spec(const char* name, kinbox::HandlerTraits traits) {
  HandlerSpec made;
  made.name = name;
  made.event_types = {"Entry"};
  made.setting_names = {"table"};
  made.traits = traits;
  made.make = [](const HandlerContext& context) { return std::make_unique<Made>(context); };
  return made;
}

}  // namespace

int main(int argc, char** argv) {
  return kinbox::cli::main(
      argc, argv,
      {spec<Ledger>("ledger", {.reprocessable = true}),
       spec<Counter>("counter", {.reprocessable = true, .order_independent = true})});
}
