#pragma once

#include <string>

namespace kinbox::testing {

/// SQL for tests that write rows of `letters` themselves: those without a state get this one.
inline std::string letters_are(const std::string& state, const std::string& schema = "{kinbox}.") {
  return "INSERT INTO " + schema +
         "letter_states (id, consumer, topic, partition, record_offset, error_group, dead_at, "
         "redrive_count, state) SELECT l.id, l.consumer, l.topic, l.partition, l.record_offset, "
         "l.error_group, l.dead_at, l.redrive_count, '" +
         state + "' FROM " + schema + "letters AS l WHERE NOT EXISTS (SELECT 1 FROM " + schema +
         "letter_states AS s WHERE s.id = l.id);";
}

/// In how many times of `failed_at` the letters say that attempts failed, in order of their ids.
inline constexpr const char* kTimesOfAttempts =
    "SELECT CASE failed_at WHEN '' THEN 0 "
    "ELSE length(failed_at) - length(replace(failed_at, ' ', '')) + 1 END "
    "FROM {kinbox}.dead_letters ORDER BY id";

}  // namespace kinbox::testing
