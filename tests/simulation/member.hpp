#pragma once

#include <memory>
#include <set>
#include <vector>

#include "kinbox/observer.hpp"
#include "kinbox/testing/fault_database.hpp"
#include "kinbox/worker.hpp"
#include "simulation/fiber.hpp"
#include "simulation/world.hpp"

namespace kinbox::simulation {

/// One incarnation of a worker: the shipped loop over a scripted source and a database with faults,
/// run piece by piece.
///
/// It pauses wherever another process could act meanwhile: before each poll, each transaction, and
/// each word to Kafka.
class Member : public Observer {
 public:
  Member(World& world, int incarnation);
  ~Member() override;

  /// Lets it run to its next pause.
  void resume();
  bool over() const noexcept { return fiber_.over(); }

  void assign(const std::vector<TopicPartition>& partitions);
  void revoke(const std::vector<TopicPartition>& partitions, Revocation how);
  void step_back(const TopicPartition& partition, Offset offset);
  void lose_broker(int count);
  /// SIGKILL: what it does next never happens.
  void crash() noexcept { crashed_ = true; }
  void fail_fatally();
  /// An orderly stop: it leaves the group.
  void stop();

  /// Whether it believes, or will when it looks, that it owns `partition`.
  bool has(const TopicPartition& partition) const;
  /// It knows all that Kafka wants it to know.
  bool is_settled() const noexcept { return news_ == 0; }
  int incarnation() const noexcept { return incarnation_; }

  void on_notice(const Notice& notice) override;

 private:
  class Source;
  class Handler;
  struct Crash {};

  ConsumerSpec spec();
  void live();
  void pause();
  void strike(testing::FaultPoint point);
  void begin_trouble();

  World& world_;
  int incarnation_;
  /// Assignments and revocations that its source has yet to serve.
  int news_ = 0;
  std::multiset<TopicPartition> coming_;
  std::set<TopicPartition> owned_;
  bool crashed_ = false;
  /// From its first poll on; before, it only registers.
  bool armed_ = false;
  bool event_kills_connection_ = false;
  /// Since it last committed a batch. Three could look like an event that kills its transaction.
  int strikes_ = 0;
  int outage_left_ = 0;
  Source* source_ = nullptr;
  std::unique_ptr<Worker> worker_;
  Fiber fiber_;
};

}  // namespace kinbox::simulation
