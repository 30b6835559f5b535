#pragma once

#include <memory>
#include <string>

#include "cli/demo/demo_child.hpp"
#include "cli/demo/evidence.hpp"
#include "cli/demo/narrator.hpp"
#include "cli/demo/order_events.hpp"
#include "cli/demo/services.hpp"
#include "cli/demo/stage.hpp"
#include "kinbox/database.hpp"
#include "kinbox/publisher.hpp"

namespace kinbox::cli {

/// The acts of the demonstration, on a stage that is set up.
class DemoScript {
 public:
  static constexpr int kOrders = 12;

  /// All must outlive it.
  DemoScript(const DemoStage& stage, const OrderEvents& events, Narrator& narrator);

  /// Plays all acts. Throws DemoFailed when one does not come to its end.
  void play();

  /// What the database says afterwards.
  std::vector<Invariant> invariants();

 private:
  void orders_arrive();
  void die_after_commit();
  void die_inside_a_transaction();
  void come_back();
  void services_join();
  void services_die_together();
  void services_finish();
  void meet_poison();
  void park_a_key();
  void mend();
  void stop_cleanly();
  void run_the_past_again();

  /// Plans and applies a replay over all that the notifications' consumer has read.
  void replay(const std::string& mode, std::vector<std::string> apply);

  void start_child();
  /// The consumers of `what`, in one process.
  std::unique_ptr<DemoChild> start(const std::string& what,
                                   const std::vector<std::string>& consumers);
  /// Lets the child run until it stands at `step` for the `nth` time.
  void run_to(DemoChild& child, Step step, int nth, const std::string& waiting_for);
  void run_to(Step step, int nth, const std::string& waiting_for) {
    run_to(*child_, step, nth, waiting_for);
  }
  /// Lets the consumer run until it stands in a transaction with two orders handled; gives what
  /// was committed before that transaction.
  Standing run_into_transaction(const std::string& waiting_for);
  void require_alive();
  void require_alive(DemoChild& child);
  void terminate(DemoChild& child);
  /// Whether nothing of it is left to be done.
  bool is_through(std::int64_t Standing::*what);
  void change_buyers(std::string_view sql, const std::string& buyer);
  void publish(std::span<const OwnedRecord> records);
  void wait_until_decided(const std::string& what);
  /// What Kafka was told about the group's position, all partitions together.
  std::string kafkas_belief();
  /// Records that the services have to decide, all together.
  std::int64_t expected_of_services() const;
  /// Records that a topic of one partition holds.
  std::int64_t records_on(const std::string& topic);

  const DemoStage& stage_;
  const OrderEvents& events_;
  Narrator& narrator_;
  Observer silent_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<Publisher> publisher_;
  std::unique_ptr<DemoChild> child_;
  std::unique_ptr<DemoChild> services_;
  Sent sent_;
  ServiceOrders services_sent_;
};

}  // namespace kinbox::cli
