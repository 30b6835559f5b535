#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/dlq/letter_selection.hpp"
#include "cli/output/sections.hpp"
#include "kinbox/database.hpp"

namespace kinbox::cli {

/// The statements that an event's story is made of, each with the event's id as its argument. All
/// of them are served by indexes, whatever the size of the tables.
std::vector<BoundSql> story_sql(const std::string& event_id);

/// Everything that the database holds about one event id, across consumers.
struct EventStory {
  /// inbox, dead_letters, parked, outgoing, mails.
  std::vector<Section> sections;
  /// Whether anything was found.
  bool known = false;
};

/// What the database says in one transaction. A consumer that reads the topic of a record of the
/// event and has no verdict is among the inbox's rows, with a note that says why that may be.
/// Throws InfrastructureError.
EventStory read_story(Database& database, const std::string& event_id);

/// A partition of whose records the inbox may have forgotten some.
struct ForgottenBelow {
  std::string consumer;
  TopicPartition partition;
  Offset dedup_floor = 0;
};
std::vector<ForgottenBelow> forgotten(Database& database);

}  // namespace kinbox::cli
