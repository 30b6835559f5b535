#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kinbox/database.hpp"

namespace kinbox::cli {

/// What the outbox holds for one topic.
struct OutboxTopic {
  std::string topic;
  std::int64_t pending = 0;
  std::int64_t refused = 0;
  std::int64_t sent = 0;
  std::int64_t discarded = 0;
  std::optional<std::string> oldest_pending = {};
  /// What a relay met last with rows that are pending or refused.
  std::string last_error = {};
};

struct OutboxRow {
  std::int64_t id = 0;
  std::string state;
  std::string topic;
  std::optional<std::string> key;
  std::string type;
  std::string message_id;
  std::int64_t attempts = 0;
  std::string created_at;
  std::optional<std::string> sent_at;
  std::string last_error;
};

/// Which rows a command is about.
struct OutboxSelection {
  /// Empty: all of the state.
  std::vector<std::int64_t> ids = {};
  /// "open" is pending or refused, "all" is any.
  std::string state = "open";
  std::string topic = {};
  std::int64_t limit = 100;
};

/// The tables of the outbox, for commands. Each call is a transaction of its own; what cannot be
/// carried out throws InfrastructureError.
class OutboxView {
 public:
  explicit OutboxView(Database& database) : database_(database) {}

  std::vector<OutboxTopic> topics();
  /// How many of the 64 lanes a relay holds at present.
  std::int64_t leased_lanes();
  /// The oldest first.
  std::vector<OutboxRow> list(const OutboxSelection& selection);
  /// Everything there is to say of a row, by name; nothing if there is no such row.
  std::vector<std::pair<std::string, std::optional<std::string>>> show(std::int64_t id);

  /// Refused rows go to the relay again; returns the ids of those that do.
  std::vector<std::int64_t> retry(const OutboxSelection& selection);
  /// Rows that will not be sent any more; returns their ids. Pending ones only by their ids.
  std::vector<std::int64_t> discard(const OutboxSelection& selection);

 private:
  std::vector<std::int64_t> change(const OutboxSelection& selection, const char* from,
                                   const char* to);

  Database& database_;
};

}  // namespace kinbox::cli
