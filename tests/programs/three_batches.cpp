// Consumes thirty scripted records in three batches, for scripts/soak kill-points: a process whose
// every system call may be its last.
//
// three_batches prepare|run sqlite=PATH | postgres=URI schema=NAME
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "kinbox/errors.hpp"
#include "kinbox/migrations.hpp"
#include "kinbox/testing/scripted_log.hpp"
#include "kinbox/worker.hpp"
#include "programs/victim.hpp"

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

class InsertAndReject : public kinbox::testing::InsertEffect {
 public:
  using InsertEffect::InsertEffect;
  void handle(const kinbox::Event& event, kinbox::Transaction& tx) override {
    InsertEffect::handle(event, tx);
    if (event.id() == id_of(kRejected)) throw kinbox::BusinessRejection("no");
  }
};

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
  auto spec = kinbox::testing::victim("g", {"orders"}, [](const kinbox::HandlerContext& context) {
    return std::make_unique<InsertAndReject>(context.dialect);
  });
  kinbox::Worker worker(std::move(spec), options, std::move(source), std::move(database), nobody);
  worker.run({.idle = true}, std::chrono::seconds{5});
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  auto database = kinbox::testing::connect({argc, argv, 2});
  if (what == "prepare") prepare(*database);
  if (what == "run") run(std::move(database));
  std::puts("done");
  return 0;
}
