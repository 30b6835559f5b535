#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kinbox/event.hpp"
#include "kinbox/record.hpp"
#include "kinbox/transaction.hpp"

namespace kinbox {

/// Why a record could not be applied, for people and for the DLQ headers.
struct Failure {
  /// One of kinbox::reason.
  std::string reason;
  /// The handler that failed; empty when none was reached.
  std::string handler;
  /// Class of the error: the C++ type, or the SQLSTATE class.
  std::string error_type;
  std::string error_code;
  std::string error_text;
  int attempts = 0;
  std::optional<Timestamp> first_failed_at;
  /// When each attempt failed; of many the first and the latest.
  std::vector<Timestamp> failed_at = {};
};

/// A record set aside with its verdict, to be looked at by a person. Views must live during the
/// call that takes it.
struct DeadLetter {
  const Record* record = nullptr;
  /// Null for poison that has no id.
  const Event* event = nullptr;
  Failure failure;
  /// Of the topic the record came from; empty while nobody could tell.
  std::string_view topic_id = {};
  /// Of an event that was parked: its row there, which is still to be removed.
  std::optional<std::int64_t> parked = std::nullopt;
  /// It stands for no record that its position counts: of a replay.
  bool imported = false;
};

/// Writes dead letters, and the outbox rows that carry them to the DLQ topic, in the transaction
/// that advances the position.
class DeadLetters {
 public:
  struct Options {
    std::string consumer;
    std::string group;
    /// `{group}`, `{topic}` and `{consumer}` are replaced.
    std::string dlq_topic = "dlq.{group}.{topic}";
    /// Without it dead letters stay rows.
    bool relay = true;
  };

  DeadLetters(Options options, const Dialect& dialect);

  /// One letter per (consumer, topic, topic id, partition, offset): writing it twice changes
  /// nothing.
  void write(OpenTransaction& tx, const DeadLetter& letter) const;

  /// The record goes to `topic` as a letter goes to its DLQ topic, through the outbox, whether
  /// letters are relayed or not. No letter is written.
  void forward(OpenTransaction& tx, const DeadLetter& letter, const std::string& topic) const;

  /// A letter was tried again in vain: it is open again, with the new error, and goes to its topic
  /// once more, under the same id. `record` is what it was consumed as.
  void reopen(OpenTransaction& tx, std::int64_t id, const Record& record,
              const Failure& failure) const;

  /// A record came again whose event is dead or parked already.
  void note_seen_again(OpenTransaction& tx, std::string_view event_id) const;

 private:
  void relay(OpenTransaction& tx, std::int64_t id, const Record& record) const;

  Options options_;
  std::string insert_letter_;
  std::string insert_outbox_;
  std::string insert_forwarded_;
  std::string open_;
  std::string reopen_;
  std::string note_failed_again_;
  std::string seen_again_;
};

}  // namespace kinbox
