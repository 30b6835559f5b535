// Consumes thirty scripted records in three batches, for scripts/soak kill-points: a process whose
// every system call may be its last.
//
// three_batches prepare|run sqlite=PATH | postgres=URI schema=NAME
#include <cstdio>
#include <map>
#include <memory>
#include <string>

#include "kinbox/errors.hpp"
#include "kinbox/migrations.hpp"
#include "kinbox/postgres/database.hpp"
#include "kinbox/sqlite/database.hpp"
#include "kinbox/testing/scripted_log.hpp"
#include "kinbox/worker.hpp"

namespace {

constexpr int kRecords = 30;
constexpr int kPoison = 14;
constexpr int kRejected = 17;

std::string id_of(int n) {
  // 5, 12, 19 and 26 repeat an earlier event, 19 the rejected one.
  return "e-" + std::to_string(n % 7 == 5 ? n - 2 : n);
}

std::string value_of(int n) {
  return n == kPoison ? "{broken" : R"({"eventId":")" + id_of(n) + R"(","eventType":"Created"})";
}

class InsertEffect : public kinbox::Handler {
 public:
  explicit InsertEffect(const kinbox::Dialect& dialect)
      : sql_(dialect.render("INSERT INTO {kinbox}.effects (event_id) VALUES ($1)")) {}
  void handle(const kinbox::Event& event, kinbox::Transaction& tx) override {
    tx.execute(sql_, event.id());
    if (event.id() == id_of(kRejected)) throw kinbox::BusinessRejection("no");
  }

 private:
  std::string sql_;
};

kinbox::ConsumerSpec consumer() {
  kinbox::ConsumerSpec spec;
  spec.name = "victim";
  spec.group = "g";
  spec.topics = {"orders"};
  kinbox::HandlerSpec handler;
  handler.name = "insert_effect";
  handler.event_types = {"Created"};
  handler.make = [](const kinbox::HandlerContext& context) {
    return std::make_unique<InsertEffect>(context.dialect);
  };
  spec.handlers.push_back({std::move(handler)});
  return spec;
}

std::unique_ptr<kinbox::Database> connect(std::map<std::string, std::string>& arguments) {
  if (arguments.contains("sqlite")) return kinbox::sqlite::open({.path = arguments["sqlite"]});
  kinbox::postgres::Options options;
  options.uri = arguments["postgres"];
  options.schema = arguments["schema"];
  return kinbox::postgres::factory(options)();
}

void prepare(kinbox::Database& database) {
  kinbox::SchemaMigrator(database, {kinbox::kinbox_component()}).up();
  const auto tx = database.begin();
  database.run_script(
      *tx, database.dialect().render("CREATE TABLE {kinbox}.effects (event_id text NOT NULL)"));
  tx->commit();
}

void run(std::unique_ptr<kinbox::Database> database) {
  kinbox::testing::ScriptedLog log;
  for (int n = 0; n < kRecords; ++n) log.append_json({"orders", n % 2}, value_of(n));
  auto source = log.member();
  source->assign({{"orders", 0}, {"orders", 1}});
  kinbox::WorkerOptions options;
  options.budget.max_records = kRecords / 3;
  options.infrastructure.first_delay = std::chrono::milliseconds{10};
  kinbox::Observer nobody;
  kinbox::Worker worker(consumer(), options, std::move(source), std::move(database), nobody);
  worker.run({.idle = true}, std::chrono::seconds{5});
}

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, std::string> arguments;
  for (int i = 2; i < argc; ++i) {
    const std::string word = argv[i];
    const auto equals = word.find('=');
    arguments[word.substr(0, equals)] = word.substr(equals + 1);
  }
  const std::string what = argc > 1 ? argv[1] : "";
  auto database = connect(arguments);
  if (what == "prepare") prepare(*database);
  if (what == "run") run(std::move(database));
  std::puts("done");
  return 0;
}
