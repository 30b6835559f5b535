#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "kinbox/observer.hpp"
#include "kinbox/record.hpp"
#include "kinbox/source.hpp"

namespace kinbox::testing {

/// Settings for brokers on loopback whose groups shall form quickly. The mock cluster needs a
/// session longer than three seconds.
std::map<std::string, std::string> fast_settings(const std::string& bootstrap_servers);

/// Writes records with a plain producer, each to its own partition, and waits until they are there.
/// Returns their offsets.
std::vector<Offset> produce(const std::string& bootstrap_servers,
                            std::span<const OwnedRecord> records,
                            const std::map<std::string, std::string>& settings = {});

/// The same inside a transaction, which is committed or aborted.
void produce_in_transaction(const std::string& bootstrap_servers,
                            std::span<const OwnedRecord> records, bool commit);

/// Records of a transaction that has not ended. Aborted by the broker if it never does.
class OpenKafkaTransaction {
 public:
  OpenKafkaTransaction(const std::string& bootstrap_servers, std::span<const OwnedRecord> records);
  ~OpenKafkaTransaction();
  void end(bool commit);

 private:
  class Producer;
  std::unique_ptr<Producer> producer_;
};

/// `count` records "k<n>" = "v<n>" for one partition, n from `first`.
std::vector<OwnedRecord> numbered_records(const std::string& topic, std::int32_t partition,
                                          int count, int first = 0);

OwnedRecord text_record(const std::string& topic, std::int32_t partition, std::string value);

/// An observer that keeps what the client library said.
class LibraryMessages : public Observer {
 public:
  void on_notice(const Notice& notice) override;

  std::vector<notice::SourceMessage> messages() const;
  bool was_told(const std::string& text) const;
  /// One line per message: severity and text.
  std::string all_text() const;

 private:
  mutable std::mutex mutex_;
  std::vector<notice::SourceMessage> messages_;
};

/// Starts each partition where `where` says, and keeps book of what came and went.
class RecordingListener : public AssignmentListener {
 public:
  using Where = std::function<std::optional<Offset>(const TopicPartition&)>;

  explicit RecordingListener(Where where = [](const TopicPartition&) { return Offset{0}; })
      : where_(std::move(where)) {}

  std::vector<std::optional<Offset>> on_assigned(
      std::span<const TopicPartition> partitions) override;
  void on_revoked(std::span<const TopicPartition> partitions, Revocation how) override;

  const std::set<TopicPartition>& owned() const { return owned_; }
  std::size_t assignments() const { return assignments_; }
  const std::vector<Revocation>& revocations() const { return revocations_; }

  /// Called in on_revoked, before the books are changed.
  std::function<void(std::span<const TopicPartition>, Revocation)> when_revoked;

 private:
  Where where_;
  std::set<TopicPartition> owned_;
  std::size_t assignments_ = 0;
  std::vector<Revocation> revocations_;
};

constexpr PollBudget kSmallWait{.max_wait = std::chrono::milliseconds{20}};

/// Polls until `done` says so. Fails the test and returns false after `limit`.
bool poll_until(Source& source, const std::function<void(const Polled&)>& take,
                const std::function<bool()>& done, PollBudget budget = kSmallWait,
                std::chrono::milliseconds limit = std::chrono::seconds{30});

/// Polls until `count` records have come; returns copies of them, in order.
std::vector<OwnedRecord> poll_records(Source& source, std::size_t count,
                                      PollBudget budget = kSmallWait);

std::vector<Offset> offsets_of(const std::vector<OwnedRecord>& records);

}  // namespace kinbox::testing
