#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "kinbox/testing/fault_database.hpp"
#include "kinbox/testing/scripted_log.hpp"
#include "kinbox/worker.hpp"
#include "support/eventually.hpp"
#include "support/recording_observer.hpp"
#include "support/test_database.hpp"

namespace kinbox::testing {

/// The real loop over a scripted log and a real database: one consumer called "orders" in group
/// "g", whose handler runs `handle`.
///
/// The default `handle` inserts a row (event id) into the table `effects`, which has no unique key:
/// a doubled effect shows.
class Pipeline : public DatabaseContract {
 protected:
  using Handle = std::function<void(const Event&, Transaction&)>;

  void prepare() override;

  const TopicPartition p0{"orders.created", 0};
  const TopicPartition p1{"orders.created", 1};
  const TopicPartition other_topic{"orders.changed", 0};

  /// A JSON event {"eventId": id, "eventType": type, "n": n}.
  static std::string json(const std::string& id, const std::string& type = "Created", int n = 0);
  Offset send(const TopicPartition& partition, const std::string& id, const std::string& key = "k",
              const std::string& type = "Created", int n = 0);

  void insert_effect(const Event& event, Transaction& tx) const;

  /// A worker, and the scripted member it reads from.
  struct Member {
    ScriptedSource* source = nullptr;
    std::unique_ptr<Worker> worker;
  };
  /// `partitions` are assigned in its first poll. Its own connection strikes as `faults` says.
  Member member(std::vector<TopicPartition> partitions, FaultPlan faults = {});
  WorkerResult run_until_idle(std::vector<TopicPartition> partitions, FaultPlan faults = {});

  /// Runs a worker until `condition`, which is looked at now and then.
  template <typename Condition>
  void run_until(std::vector<TopicPartition> partitions, Condition condition,
                 FaultPlan faults = {}) {
    auto running = member(std::move(partitions), std::move(faults));
    std::jthread loop([&] { running.worker->run(); });
    EXPECT_TRUE(eventually(condition));
    running.worker->stop();
  }
  /// Changes rows of a partition as somebody from outside does, who tells its owner.
  void change_from_outside(const TopicPartition& partition, std::string_view statement);

  /// Event ids in the order of their effects, doubled ones twice.
  std::vector<std::string> effects();
  std::vector<std::string> effects_of_key(const std::string& key);
  /// Verdict of an event; "" if there is none.
  std::string verdict(const std::string& event_id);
  /// Reasons of the dead letters, in the order they died.
  std::vector<std::string> dead_reasons();
  Tally tally(const TopicPartition& partition);
  Offset position(const TopicPartition& partition);
  std::vector<std::string> texts(std::string_view sql);
  /// `text` with {kinbox} replaced.
  std::string sql(std::string_view text) const { return home_dialect().render(text); }

  ConsumerSpec spec();

  ScriptedLog log;
  RecordingObserver observer;
  Handle handle = [this](const Event& event, Transaction& tx) { insert_effect(event, tx); };
  std::optional<std::chrono::milliseconds> handler_timeout;
  /// Of the handler; nullopt: its consumer's.
  std::optional<OnError> own_on_error;
  /// Another handler, called "second", which takes no type that is sent; none unless set.
  Handle second_handle;
  std::optional<OnError> second_on_error;
  WorkerOptions options;
  std::optional<ReplyOptions> replies;
  OutboxOptions outbox_settings;
  IdentityRules identity;

 private:
  const Dialect& home_dialect() const { return const_cast<Pipeline*>(this)->database().dialect(); }
};

}  // namespace kinbox::testing
