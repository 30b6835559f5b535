#include "cli/demo/script.hpp"

#include <thread>

#include "cli/config/kafka_settings.hpp"
#include "cli/database.hpp"
#include "cli/demo/demo_command.hpp"
#include "cli/demo/look.hpp"
#include "cli/demo/send.hpp"
#include "cli/dlq/letter_desk.hpp"
#include "kinbox/errors.hpp"
#include "kinbox/kafka/publisher.hpp"
#include "kinbox/kafka/source.hpp"

namespace kinbox::cli {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kPatience{30'000};
constexpr milliseconds kLook{100};
/// About a third of what the services have to do.
constexpr int kHandledByServices = 25;

constexpr std::string_view kNotifications = "SELECT count(*) FROM {kinbox}.notifications";
constexpr std::string_view kLoseSellers =
    "DELETE FROM {kinbox}.notifications WHERE role = 'seller'";

std::string records_text(std::int64_t count) {
  return std::to_string(count) + (count == 1 ? " record" : " records");
}

}  // namespace

DemoScript::DemoScript(const DemoStage& stage, const OrderEvents& events, Narrator& narrator)
    : stage_(stage),
      events_(events),
      narrator_(narrator),
      database_(make_database_factory(stage.config(), Missing::kRefuse)()),
      publisher_(kafka::make_publisher({.settings = make_settings(stage.config())}, silent_)) {}

void DemoScript::play() {
  orders_arrive();
  die_after_commit();
  die_inside_a_transaction();
  come_back();
  services_join();
  services_die_together();
  services_finish();
  meet_poison();
  park_a_key();
  mend();
  stop_cleanly();
  run_the_past_again();
}

std::vector<Invariant> DemoScript::invariants() {
  auto invariants = read_invariants(*database_, sent_);
  for (auto& invariant : service_invariants(*database_, services_sent_, stage_.mail_folder()))
    invariants.push_back(std::move(invariant));
  return invariants;
}

void DemoScript::orders_arrive() {
  narrator_.act("Twelve orders arrive; the relay that sends them sends four of them twice");
  std::vector<OwnedRecord> records;
  for (int number = 1; number <= kOrders; ++number) {
    records.push_back(events_.order(number));
    if (number % 3 == 0) records.push_back(events_.order(number));
  }
  publish(records);
  sent_.orders = kOrders;
  sent_.duplicates = static_cast<std::int64_t>(records.size()) - kOrders;
  narrator_.line(records_text(sent_.records()) + " on " + stage_.topic() + ", " +
                 std::to_string(DemoStage::kPartitions) + " partitions");
}

void DemoScript::die_after_commit() {
  narrator_.act("The consumer dies after the database's COMMIT, before Kafka hears of it");
  start_child();
  run_to(Step::kCommitted, 1, "it to join its group and commit its first batch");
  child_->kill();
  const auto standing = read_standing(*database_);
  narrator_.line("SIGKILL. The database has decided " + records_text(standing.decided) +
                 " and holds " + std::to_string(standing.confirmations) +
                 " confirmations; Kafka was told of " + kafkas_belief());
}

void DemoScript::die_inside_a_transaction() {
  narrator_.act("A second one goes on from the database's position, and dies inside a transaction");
  start_child();
  const auto before = run_into_transaction("Kafka to notice the death (its session times out)");
  child_->kill();
  const auto after = read_standing(*database_);
  narrator_.line("SIGKILL with an order handled and not committed. Confirmations before: " +
                 std::to_string(before.confirmations) +
                 ", after: " + std::to_string(after.confirmations));
  if (after.confirmations != before.confirmations || after.decided != before.decided)
    throw DemoFailed("a transaction that never committed left something behind");
}

void DemoScript::come_back() {
  narrator_.act("A third one does the rest");
  start_child();
  run_to(Step::kFetched, 1, "Kafka to notice this death too");
  child_->run_free();
  wait_until_decided("it to decide all " + records_text(sent_.records()));
}

void DemoScript::services_join() {
  narrator_.act("Five services read the same orders; some are cancelled, some shipped");
  std::vector<OwnedRecord> records;
  for (int number = 1; number <= kOrders; ++number) {
    const bool cancelled = number % 4 == 0;
    if (!cancelled && number % 4 != 1) continue;
    ++(cancelled ? services_sent_.cancelled : services_sent_.shipped);
    const auto* type = cancelled ? "ORDER_CANCELLED" : "ORDER_SHIPPED";
    records.insert(records.end(), 2,
                   events_.status(number, stage_.service_topics().statuses, type));
  }
  publish(records);
  services_sent_.orders = kOrders;
  services_sent_.records = sent_.records() + static_cast<std::int64_t>(records.size());
  narrator_.line(records_text(static_cast<std::int64_t>(records.size())) + " on " +
                 stage_.service_topics().statuses + ": cancelled and shipped, each said twice");
  services_ = start("mail, stock, money, notifications and figures, each a group of its own,",
                    service_names());
}

void DemoScript::services_die_together() {
  run_to(*services_, Step::kHandled, kHandledByServices, "them to be in the middle of it");
  services_->kill();
  narrator_.line("SIGKILL. They have decided " + records_text(decided_by_services(*database_)) +
                 " of " + std::to_string(expected_of_services()));
}

void DemoScript::services_finish() {
  services_ = start("the five services", service_names());
  run_to(*services_, Step::kFetched, 1, "Kafka to notice their death");
  services_->run_free();
  narrator_.wait("them to decide the rest, and their events and mails to go out", [this] {
    require_alive(*services_);
    std::this_thread::sleep_for(kLook);
    return decided_by_services(*database_) >= expected_of_services() &&
           read_standing(*database_).pending == 0 && mails_due(*database_) == 0;
  });
  terminate(*services_);
  const auto& topics = stage_.service_topics();
  const auto there = records_on(topics.inventory) + records_on(topics.payment);
  narrator_.line(records_text(there) + " on " + topics.inventory + " and " + topics.payment +
                 ", mails in " + stage_.mail_folder());
  if (there < services_sent_.emitted())
    throw DemoFailed("there should be " + std::to_string(services_sent_.emitted()) + " at least");
}

std::int64_t DemoScript::expected_of_services() const {
  return services_sent_.records * static_cast<std::int64_t>(service_names().size());
}

void DemoScript::meet_poison() {
  narrator_.act("A broken payload arrives, and an order that makes the handler throw");
  const std::vector<OwnedRecord> records{events_.broken(kOrders + 1),
                                         events_.order_of_stranger(kOrders + 2)};
  publish(records);
  sent_.broken = sent_.strangers = 1;
  wait_until_decided("three attempts and two dead letters");
  narrator_.wait("the dead letters to reach " + stage_.dlq_topic(),
                 [this] { return is_through(&Standing::pending); });
}

void DemoScript::park_a_key() {
  narrator_.act("Three orders of a customer whose address is not confirmed yet; one of another");
  change_buyers("INSERT INTO {kinbox}.demo_buyers VALUES ($1, '')", events_.guest());
  change_buyers("INSERT INTO {kinbox}.demo_buyers VALUES ($1, 'new@shop.example')",
                OrderEvents::buyer(kOrders + 6));
  const auto before = read_standing(*database_).confirmations;
  std::vector<OwnedRecord> records;
  for (int number = kOrders + 3; number <= kOrders + 5; ++number)
    records.push_back(events_.order_of_guest(number));
  sent_.guests = static_cast<std::int64_t>(records.size());
  records.push_back(events_.order(kOrders + 6));
  ++sent_.orders;
  publish(records);
  wait_until_decided("the first to fail, and the others to wait behind it");
  const auto after = read_standing(*database_);
  narrator_.line(std::to_string(after.parked) + " events are parked, in order; confirmations: " +
                 std::to_string(after.confirmations - before) +
                 " more, of the other customer. The partition goes on");
  if (after.parked != sent_.guests || after.confirmations != before + 1)
    throw DemoFailed("one key should wait, and nobody else");
}

void DemoScript::mend() {
  narrator_.act("The mistakes are mended: what waits goes on, dead letters are brought back");
  change_buyers("INSERT INTO {kinbox}.demo_buyers VALUES ($1, 'found@shop.example')",
                events_.stranger());
  change_buyers("UPDATE {kinbox}.demo_buyers SET email = $1 || '@shop.example' WHERE id = $1",
                events_.guest());
  narrator_.wait("the parked orders to be tried again",
                 [this] { return is_through(&Standing::parked); });
  LetterDesk desk(*database_);
  const auto plan = desk.plan(acts::kRetry, {.consumer = "confirmations"});
  desk.apply(acts::kRetry, plan,
             {.action = {.who = "kinbox demo", .action = acts::kRetry.command, .filter = "--all"},
              .detail = "the buyer is known now"});
  narrator_.line("kinbox dlq retry --all: " + std::to_string(plan.ids.size()) +
                 " letters are requested; the owner of their partitions tries them");
  narrator_.wait("them to be tried", [this] { return is_through(&Standing::requested); });
  narrator_.wait("what failed again to reach " + stage_.dlq_topic(),
                 [this] { return is_through(&Standing::pending); });
}

bool DemoScript::is_through(std::int64_t Standing::*what) {
  require_alive();
  std::this_thread::sleep_for(kLook);
  return read_standing(*database_).*what == 0;
}

void DemoScript::change_buyers(std::string_view sql, const std::string& buyer) {
  const auto tx = database_->begin();
  tx->execute(database_->dialect().render(sql), buyer);
  tx->commit();
}

void DemoScript::stop_cleanly() {
  narrator_.act("SIGTERM: finish, tell Kafka, leave the group");
  terminate(*child_);
  narrator_.line("it ended with exit code 0; Kafka was told of " + kafkas_belief());
}

void DemoScript::run_the_past_again() {
  narrator_.act("A bug lost what sellers were told; it is mended, and the past runs again");
  const auto before = Look(*database_).number(kNotifications);
  {
    const auto tx = database_->begin();
    tx->execute(database_->dialect().render(kLoseSellers));
    tx->commit();
  }
  const auto lost = before - Look(*database_).number(kNotifications);
  narrator_.line(std::to_string(lost) + " of " + std::to_string(before) +
                 " notifications are gone, although every event was applied");
  replay("trial", {});
  narrator_.line("kinbox replay, a trial: every event would succeed; nothing was kept");
  replay("reprocess", {"--confirm=notification"});
  narrator_.line(
      "kinbox replay, reprocess: " + std::to_string(Look(*database_).number(kNotifications)) +
      " notifications again, each once; no position moved");
}

void DemoScript::replay(const std::string& mode, std::vector<std::string> apply) {
  const auto plan = stage_.services_file() + '.' + mode + ".json";
  apply.insert(apply.begin(), {"replay", "apply", plan, "--config", stage_.services_file()});
  const std::vector<std::string> planning{
      "replay", "plan",          "--consumer", "notification",        "--mode", mode, "--file",
      plan,     "--to-earliest", "--config",   stage_.services_file()};
  for (const auto& command : {planning, apply})
    if (const auto code = run_command(command, stage_.log_file()); code != 0)
      throw DemoFailed("kinbox replay " + command[1] + " ended with " + std::to_string(code) +
                       "; see " + stage_.log_file());
}

void DemoScript::start_child() { child_ = start("a consumer", {"confirmations"}); }

std::unique_ptr<DemoChild> DemoScript::start(const std::string& what,
                                             const std::vector<std::string>& consumers) {
  auto child = std::make_unique<DemoChild>(stage_.config_file(), stage_.log_file(), consumers);
  narrator_.line(what + (consumers.size() == 1 ? " starts" : " start") + " as process " +
                 std::to_string(child->pid()));
  return child;
}

void DemoScript::run_to(DemoChild& child, Step step, int nth, const std::string& waiting_for) {
  int seen = 0;
  narrator_.wait(waiting_for, [&] {
    require_alive(child);
    const auto reached = child.wait_for_step(kLook);
    if (!reached) return false;
    if (*reached == step && ++seen == nth) return true;
    child.go();
    return false;
  });
}

Standing DemoScript::run_into_transaction(const std::string& waiting_for) {
  Standing before;
  narrator_.wait(waiting_for, [&] {
    require_alive();
    const auto reached = child_->wait_for_step(kLook);
    if (!reached) return false;
    // Not inside a transaction: it has SQLite's write lock then.
    if (*reached == Step::kFetched || *reached == Step::kCommitted)
      before = read_standing(*database_);
    // After a death, records run one at a time at first.
    if (*reached == Step::kHandled) return true;
    child_->go();
    return false;
  });
  return before;
}

void DemoScript::require_alive() { require_alive(*child_); }

void DemoScript::require_alive(DemoChild& child) {
  if (child.has_ended())
    throw DemoFailed("process " + std::to_string(child.pid()) + " ended by itself; its log is " +
                     stage_.log_file());
}

void DemoScript::terminate(DemoChild& child) {
  const auto code = child.terminate(kPatience);
  if (code != 0)
    throw DemoFailed("process " + std::to_string(child.pid()) + " ended with " +
                     (code ? std::to_string(*code) : "a signal") + "; see " + stage_.log_file());
}

void DemoScript::publish(std::span<const OwnedRecord> records) {
  send(*publisher_, records, kPatience);
}

void DemoScript::wait_until_decided(const std::string& what) {
  narrator_.wait(what, [this] {
    require_alive();
    std::this_thread::sleep_for(kLook);
    return read_standing(*database_).decided >= sent_.records();
  });
}

std::int64_t DemoScript::records_on(const std::string& topic) {
  const auto source = kafka::make_source(
      {.settings = make_settings(stage_.config()), .group = stage_.group(), .topics = {}}, silent_);
  const auto range = source->log_range({topic, 0});
  return range.end - range.start;
}

std::string DemoScript::kafkas_belief() {
  const auto source = kafka::make_source(
      {.settings = make_settings(stage_.config()), .group = stage_.group(), .topics = {}}, silent_);
  Offset told = 0;
  try {
    for (int partition = 0; partition < DemoStage::kPartitions; ++partition)
      told += source->told({stage_.topic(), partition}).value_or(0);
  } catch (const InfrastructureError& e) {
    return std::string("(not known: ") + e.what() + ")";
  }
  return records_text(told);
}

}  // namespace kinbox::cli
