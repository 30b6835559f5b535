#pragma once

#include <memory>
#include <string>

#include "cli/demo/demo_child.hpp"
#include "cli/demo/evidence.hpp"
#include "cli/demo/narrator.hpp"
#include "cli/demo/order_events.hpp"
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
  void meet_poison();
  void stop_cleanly();

  void start_child();
  /// Lets the consumer run until it stands at `step` for the `nth` time.
  void run_to(Step step, int nth, const std::string& waiting_for);
  void require_alive();
  void publish(std::span<const OwnedRecord> records);
  void wait_until_decided(const std::string& what);
  /// What Kafka was told about the group's position, all partitions together.
  std::string kafkas_belief();

  const DemoStage& stage_;
  const OrderEvents& events_;
  Narrator& narrator_;
  Observer silent_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<Publisher> publisher_;
  std::unique_ptr<DemoChild> child_;
  Sent sent_;
};

}  // namespace kinbox::cli
